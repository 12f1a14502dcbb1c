public import HTTPTypes
public import Hummingbird
public import ServiceTracing
public import ShopAPI

/// A service's routes, with what every service has beside its own: telemetry, errors as JSON, `/health`,
/// `/health/live`, `/stats`, `/openapi.json`, and 405 for a known path asked with another method.
public struct ServiceRouter {
    /// What answers a request.
    public typealias Handler = @Sendable (Request, ShopRequestContext) async throws -> Response

    /// What the service is.
    public let service: ServiceName
    /// The service's own.
    public let tracer: ServiceTracer
    public let statistics = RequestStatistics()
    private let router: Router<ShopRequestContext>
    private let gate: AdminGate
    private let methods = MethodTable()

    /// - Parameters:
    ///   - isLoopbackOnly: Whether only this machine can reach the service; then a `Host` that does not name this machine
    ///     is refused.
    ///   - isProbe: Which routes are recorded only for a caller whose own context is sampled; the four that every service
    ///     has are always among them.
    public init(
        _ service: ServiceName,
        tracer: ServiceTracer,
        gate: AdminGate,
        isLoopbackOnly: Bool = false,
        isProbe: @escaping @Sendable (_ route: String) -> Bool = { _ in false }
    ) {
        self.service = service
        self.gate = gate
        self.tracer = tracer
        router = Router(context: ShopRequestContext.self)
        router.add(
            middleware: TelemetryMiddleware(
                tracer: tracer,
                statistics: statistics,
                isLoopbackOnly: isLoopbackOnly
            ) { route in
                ["/health", "/health/live", "/stats", "/openapi.json"].contains(route) || isProbe(route)
            }
        )
    }

    /// Adds `GET path`, and HEAD with it.
    public func get(_ path: String, _ handler: @escaping Handler) {
        add(.get, path, handler)
        add(.head, path) { request, context in try await handler(request, context).createHeadResponse() }
    }

    /// Adds `POST path`: for programs, and for pages of this very address, but not for those of other sites.
    public func post(_ path: String, _ handler: @escaping Handler) {
        add(.post, path) { request, context in
            try CrossOrigin.check(request)
            return try await handler(request, context)
        }
    }

    /// Adds `POST path` for what changes the demo's state: as `post`, and behind the admin token.
    public func postAdmin(_ path: String, _ handler: @escaping Handler) {
        let gate = gate
        post(path) { request, context in
            try gate.check(request)
            return try await handler(request, context)
        }
    }

    /// Adds `/health`, `/health/live`, `/stats`, and `/openapi.json` where the service is described.
    ///
    /// - Parameters:
    ///   - health: What else `/health` says; throwing means the service cannot do its job: 503.
    ///   - stats: What else `/stats` says.
    public func addObservation(
        health: @escaping @Sendable () async throws -> [String: JSONValue],
        stats: @escaping @Sendable () async throws -> [String: JSONValue]
    ) {
        let (service, statistics) = (service, statistics)
        get("/health") { _, context in
            var fields: [String: JSONValue] = ["service": .string(service.rawValue)]
            do {
                fields.merge(try await health()) { _, new in new }
                fields["status"] = "healthy"
                return try .json(fields)
            } catch {
                let error = ServiceError(mapping: error)
                fields["status"] = "unhealthy"
                fields["error"] = .string(error.message)
                fields["code"] = .string(error.code)
                fields["trace_id"] = context.traceID.map { .string($0.description) }
                return try .json(fields, status: .serviceUnavailable, headers: [.retryAfter: "1"])
            }
        }
        get("/health/live") { _, _ in
            try .json(["status": "alive", "service": service.rawValue])
        }
        get("/stats") { _, _ in
            var fields = statistics.fields
            fields["service"] = .string(service.rawValue)
            fields.merge(try await stats()) { _, new in new }
            return try .json(fields)
        }
        if let description = ServiceDescription(of: service) {
            get("/openapi.json") { _, _ in description.response }
        }
    }

    /// The paths that were added, and what each answers to.
    public var endpoints: [String: [HTTPRequest.Method]] { methods.known }

    /// The finished routes.
    public func buildResponder() -> RouterResponder<ShopRequestContext> {
        methods.refuseOthers(on: router)
        // Added last, it stands before no route.
        router.add(middleware: OtherMethods(methods.known))
        return router.buildResponder()
    }

    private func add(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        methods.note(method, path)
        router.on(RouterPath(path), method: method) { request, context in try await handler(request, context) }
    }
}

/// Which methods each path answers: Hummingbird itself says 404 to the others.
private final class MethodTable {
    private(set) var known: [String: [HTTPRequest.Method]] = [:]

    private static let all: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .options, .trace, .patch]

    func note(_ method: HTTPRequest.Method, _ path: String) {
        known[path, default: []].append(method)
    }

    func refuseOthers(on router: Router<ShopRequestContext>) {
        for (path, methods) in known {
            let allow = OtherMethods.allow(methods)
            for method in Self.all where !methods.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw OtherMethods.refusal(allow)
                }
            }
        }
    }
}
