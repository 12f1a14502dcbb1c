import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Real work that serves nothing: one at a time on a queue of its own, so that it is a core at most, and none of those
/// that requests are answered on.
struct Furnace: Sendable {
    private let queue = DispatchQueue(label: "popshop.ad.ranking")

    /// Computes for so many milliseconds of a processor's time, and at most four times as long by the clock; no longer than
    /// it is wanted, and not at all once the task is cancelled.
    ///
    /// - Parameter isWanted: Asked before it begins, and every ranking.
    /// - Returns: How many rankings were computed.
    func burn(milliseconds: Int, while isWanted: @escaping @Sendable () -> Bool) async -> Int {
        let isCancelled = Mutex(false)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    let rankings = Self.compute(.milliseconds(milliseconds)) {
                        !isCancelled.withLock { $0 } && isWanted()
                    }
                    continuation.resume(returning: rankings)
                }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
    }

    private static func compute(_ time: Duration, while isWanted: () -> Bool) -> Int {
        let (begun, latest) = (processorTime, ContinuousClock.now + time * 4)
        var rankings = 0
        while processorTime - begun < time, ContinuousClock.now < latest, isWanted() {
            var scores = (0..<512).map { UInt64($0) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(rankings) }
            scores.sort { ($0 ^ $0 >> 29) < ($1 ^ $1 >> 29) }
            rankings += scores.isEmpty ? 0 : 1
        }
        return rankings
    }

    /// Of this thread.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
