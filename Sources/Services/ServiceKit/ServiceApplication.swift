public import HTTPServer
import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle
import ShopAPI

/// Where a service listens.
public struct ListenAddress: Hashable, Sendable {
    public let host: String
    /// 0 takes any free port.
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Whether nobody but this machine can reach it.
    public var isLoopback: Bool { LoopbackAuthority.isLoopback(listeningOn: host) }
}

/// A service's routes on a socket, to be run in a `ServiceGroup`.
///
/// - Parameter onListening: Called with the port once requests are taken.
public func buildApplication(
    _ router: ServiceRouter,
    at address: ListenAddress,
    limits: ServerLimits = ServerLimits(),
    logger: Logger,
    onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
) -> some Service {
    var logger = logger
    // That nine servers have started is the shop's to say, once.
    if logger.logLevel == .info { logger.logLevel = .notice }
    logger[metadataKey: "service"] = "\(router.service.rawValue)"
    return Application(
        responder: router.buildResponder(),
        // The console's answers may be megabytes, packed.
        server: limits.http(onEventLoop: router.service != .console),
        configuration: limits.configuration(host: address.host, port: address.port),
        onServerRunning: { channel in await onListening(channel.localAddress?.port ?? address.port) },
        logger: logger
    )
}
