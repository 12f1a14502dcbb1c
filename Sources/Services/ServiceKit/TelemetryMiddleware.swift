import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceTracing
import ShopAPI
import Tracing

/// Gives each request its SERVER span, each answer its `traceresponse`, and each error its JSON.
///
/// Attributes follow the stable HTTP semantic conventions (*HTTP server*): a span stays unset on 4xx and is an error
/// on 5xx.
struct TelemetryMiddleware: RouterMiddleware {
    let tracer: ServiceTracer
    let statistics: RequestStatistics
    let isLoopbackOnly: Bool
    /// Requests by these routes are recorded only when the caller's own context is sampled.
    let isProbe: @Sendable (_ route: String) -> Bool

    func handle(
        _ request: Request,
        context: ShopRequestContext,
        next: @concurrent (Request, ShopRequestContext) async throws -> Response
    ) async throws -> Response {
        let route = context.endpointPath.flatMap { $0 == "NotFound" ? nil : $0 }
        let method = Self.knownMethods.contains(request.method) ? request.method.rawValue : "_OTHER"
        let span = tracer.startSpan(
            route.map { "\(method) \($0)" } ?? method,
            kind: .server,
            context: extractTraceContext(from: request.headers),
            attributes: attributes(request, context, method, route),
            // What no route answers is told by its path: a page's lost picture is no traffic either.
            suppressed: isProbe(route ?? request.uri.path)
        )
        var context = context
        context.span = span
        let begun = ContinuousClock.now
        statistics.begin()
        var response = await respond(request, context, span, next)
        statistics.end(status: response.status.code, took: ContinuousClock.now - begun)
        span.set("http.response.status_code", .int(response.status.code))
        response.headers[.traceresponse] = span.spanContext.traceParent
        span.end()
        return response
    }

    private func respond(
        _ request: Request,
        _ context: ShopRequestContext,
        _ span: RecordedSpan,
        _ next: @concurrent (Request, ShopRequestContext) async throws -> Response
    ) async -> Response {
        do {
            if isLoopbackOnly { try CrossOrigin.checkHost(request) }
            try request.refuseLargeBody()
            return try await InstrumentationContext.$current.withValue(span.context) {
                try await next(request, context)
            }
        } catch {
            let error = ServiceError(mapping: error)
            show(error, on: span, context)
            return .json(error, traceID: span.spanContext.traceID)
        }
    }

    private func show(_ error: ServiceError, on span: RecordedSpan, _ context: ShopRequestContext) {
        let reason = error.cause ?? error.message
        if error.status.code >= 500 {
            span.fail(error.code, reason)
            if error.code == "pool_exhausted" { span.set("db.connection.pool.exhausted", true) }
            InstrumentationContext.$current.withValue(span.context) {
                context.logger.warning(
                    "\(reason)",
                    metadata: ["code": "\(error.code)", "status": "\(error.status.code)"]
                )
            }
        } else {
            span.set("error.type", .string(error.code))
            span.addEvent("refused", ["code": .string(error.code), "reason": .string(reason)])
        }
    }

    private func attributes(
        _ request: Request,
        _ context: ShopRequestContext,
        _ method: String,
        _ route: String?
    ) -> Attributes {
        var attributes: Attributes = [
            "http.request.method": .string(method),
            "url.path": .string(request.uri.path),
            "url.scheme": .string(request.head.scheme ?? "http"),
            "network.protocol.version": "1.1",
        ]
        if method == "_OTHER" { attributes["http.request.method_original"] = .string(request.method.rawValue) }
        if let route { attributes["http.route"] = .string(route) }
        if let query = request.uri.query { attributes["url.query"] = .string(query) }
        if let authority = request.head.authority {
            // The colons of an IPv6 address stand in brackets.
            let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].contains("]") ? nil : $0 }
            attributes["server.address"] = .string(String(authority[..<(colon ?? authority.endIndex)]))
            if let colon, let port = Int(authority[authority.index(after: colon)...]) {
                attributes["server.port"] = .int(port)
            }
        }
        if let client = context.clientAddress { attributes["client.address"] = .string(client) }
        if let agent = request.headers[.userAgent] { attributes["user_agent.original"] = .string(agent) }
        return attributes
    }

    /// RFC 9110, section 9, and PATCH (RFC 5789): every other one is `_OTHER` on a span.
    private static let knownMethods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .delete, .connect, .options, .trace, .patch,
    ]
}
