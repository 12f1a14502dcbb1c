public import Hummingbird
import HummingbirdCore
import NIOCore

/// What one client may hold of a server, so that there is some left for the others.
public struct ServerLimits: Sendable {
    /// The time that a new connection may take to bring the whole head of its first request.
    public var firstHead = Duration.seconds(20)
    /// The time that a connection may be idle between two requests, the second one's head included. Longer than the minute
    /// after which load balancers and our own client give up an idle connection, so that none is closed under a request.
    public var idle = Duration.seconds(75)
    /// The time that a request's body may take to come, once it has begun.
    public var body = Duration.seconds(30)
    /// The time that a client may leave an answer standing, without reading any of it.
    public var stall = Duration.seconds(30)
    /// Who comes when there are too many connections waits until another goes.
    public var connections: ConnectionBudget

    public init(connections: ConnectionBudget = ConnectionBudget(4096)) {
        self.connections = connections
    }

    /// HTTP/1.1 within these limits. A head is bounded by Hummingbird's own: 80 KiB and 1000 fields.
    ///
    /// - Parameter onEventLoop: Answers each request on the thread that reads and writes its connection. For answers that
    ///   are made in microseconds: a long one would hold up that thread's other connections.
    public func http(onEventLoop: Bool) -> HTTPServerBuilder {
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionDeadlines(self)],
            idleTimeout: TimeAmount(idle)
        )
        guard onEventLoop else { return .http1(configuration: configuration) }
        return HTTPServerBuilder { EventLoopChannel(HTTP1Channel(responder: $0, configuration: configuration)) }
    }

    /// A server's address, and how many connections it takes.
    public func configuration(host: String, port: Int) -> ApplicationConfiguration {
        ApplicationConfiguration(
            address: .hostname(host, port: port),
            serverName: nil,
            backlog: 4096,
            availableConnectionsDelegate: connections.delegate()
        )
    }
}
