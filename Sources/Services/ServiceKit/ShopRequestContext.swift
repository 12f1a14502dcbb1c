public import Hummingbird
import NIOCore
public import ServiceTracing

/// What a handler knows of its request beside the request itself.
public struct ShopRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// Who is at the other end of the connection, where that is known.
    public let clientAddress: String?
    /// The request's SERVER span; nil only before the telemetry middleware ran.
    public internal(set) var span: RecordedSpan?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        clientAddress = source.channel.remoteAddress?.ipAddress
    }

    /// What stands in the path for a `{name}` of the route, percent-decoded: Hummingbird gives it as it was sent.
    /// What cannot be decoded is taken as it is.
    public func pathValue(_ name: String) -> String {
        let sent = parameters.get(name) ?? ""
        return sent.percentDecoded ?? sent
    }

    /// The trace of the request.
    public var traceID: TraceID? { span?.spanContext.traceID }
}
