import Dispatch
import Foundation
import Synchronization

/// The process's first thread, which starts the child processes: they die with the thread that started them
/// (prctl(2), PR_SET_PDEATHSIG), and every other thread here may end when it has been idle.
enum MainThread {
    private static let errands = Mutex<[@Sendable () -> Void]>([])
    private static let ring = DispatchSemaphore(value: 0)

    /// Runs `work` on other threads and what it sends here on this one; then ends the process: 0, or 1 if it throws.
    static func serve(_ work: @escaping @Sendable () async throws -> Void) -> Never {
        Task {
            do {
                try await work()
                exit(0)
            } catch {
                FileHandle.standardError.write(Data("popshop-bench: \(error)\n".utf8))
                exit(1)
            }
        }
        while true {
            ring.wait()
            errands.withLock { $0.isEmpty ? nil : $0.removeFirst() }?()
        }
    }

    /// Has the first thread do something, and returns what came of it.
    static func run<Result: Sendable>(_ errand: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            errands.withLock { $0.append { continuation.resume(returning: errand()) } }
            ring.signal()
        }
    }
}
