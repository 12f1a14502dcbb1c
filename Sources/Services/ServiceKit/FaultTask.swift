public import Faults
public import ServiceLifecycle

/// What has to go on for as long as a fault is on in a service: begun when it is switched on, cancelled and waited for
/// when it is switched off, changed, or over.
public struct FaultTask: Service {
    private let live: LiveFaults
    private let name: FaultName
    private let service: String
    private let body: @Sendable (FaultSetting) async -> Void

    /// - Parameter body: Gives back what it has taken before it returns. Ends soon once it is cancelled.
    public init(
        _ name: FaultName,
        in faults: ServiceFaults,
        _ body: @escaping @Sendable (FaultSetting) async -> Void
    ) {
        self.name = name
        live = faults.live
        service = faults.service
        self.body = body
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var current: FaultSetting?
            var task: Task<Void, Never>?
            for await faults in live.changes() {
                let wanted = faults[name, service]
                guard wanted != current else { continue }
                task?.cancel()
                await task?.value
                current = wanted
                let body = body
                task = wanted.map { setting in Task { await body(setting) } }
            }
            task?.cancel()
            await task?.value
        }
    }
}

extension Task where Success == Never, Failure == Never {
    /// Waits until the task is cancelled.
    public static func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }
}
