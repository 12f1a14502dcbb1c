import Logging
public import ServiceKit
import ServiceLifecycle
import Synchronization

/// A service that listens on a free port of this machine until it is stopped.
public final class RunningService: Sendable {
    public let port: Int
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    public var url: String { "http://127.0.0.1:\(port)" }

    /// Returns when requests are taken.
    public init(_ router: ServiceRouter, gracePeriod: Duration = .milliseconds(200)) async throws {
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let application = buildApplication(router, at: ListenAddress(host: "127.0.0.1", port: 0), logger: logger) {
            announce.yield($0)
        }
        var configuration = ServiceGroupConfiguration(services: [application], logger: logger)
        configuration.maximumGracefulShutdownDuration = gracePeriod
        let group = ServiceGroup(configuration: configuration)
        self.group = group
        running = Task {
            defer { announce.finish() }
            try await group.run()
        }
        guard let port = await ports.first(where: { _ in true }) else {
            try await running.value
            throw CancellationError()
        }
        self.port = port
    }

    /// Takes no more requests, and returns when those under way are answered or abandoned.
    public func stop() async {
        await group.triggerGracefulShutdown()
        _ = await running.result
    }
}
