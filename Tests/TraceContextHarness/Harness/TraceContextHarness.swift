import FoundationEssentials
public import HTTPClient
import HTTPTypes
import Hummingbird
public import ServiceKit
public import ServiceTracing
import ShopAPI

/// The test service that the W3C's trace-context suite asks for (its *Validation Service*): what it is sent names the
/// URLs it has to call in turn, so that the suite sees both ends of a hop.
///
/// Nothing here reads or writes a trace header. A request comes in through `ServiceRouter` and its telemetry, and goes out
/// through `ServiceCaller`, as in every service of the shop.
public struct TraceContextHarness: Sendable {
    /// One call to make.
    private struct Action: Decodable {
        let url: String
        let arguments: JSONValue?
    }

    private let transport: any HTTPTransport
    private let tracer: ServiceTracer

    public init(transport: any HTTPTransport, tracer: ServiceTracer) {
        self.transport = transport
        self.tracer = tracer
    }

    /// The harness as a service, to be given to `buildApplication`: `POST /`, and `POST /test` as in the suite's own
    /// examples.
    public func router() -> ServiceRouter {
        let router = ServiceRouter(.loadGenerator, tracer: tracer, gate: AdminGate(token: nil))
        for path in ["/", "/test"] {
            router.post(path) { request, _ in
                let actions = try await request.decode([Action].self)
                // One after the other, as they are listed.
                for action in actions { try await call(action) }
                return try .json(["calls": JSONValue.int(actions.count)])
            }
        }
        return router
    }

    private func call(_ action: Action) async throws {
        let (base, path) = Self.split(action.url)
        let caller = ServiceCaller(transport: transport, tracer: tracer, urls: ServiceURLs())
            .reaching(.loadGenerator, at: base)
        let body = [UInt8](try JSON.encoder.encode(action.arguments ?? .array([])))
        _ = try await caller.send(.loadGenerator, RequestPath(.post, path), body: body)
    }

    /// A service's URL, and what is below it.
    private static func split(_ url: String) -> (base: String, path: String) {
        let parts = url.split(separator: "://", maxSplits: 1)
        guard parts.count == 2, let slash = parts[1].firstIndex(of: "/") else { return (url, "/") }
        return ("\(parts[0])://\(parts[1][..<slash])", String(parts[1][slash...]))
    }
}
