import HTTPClient
import HTTPTypes
import Hummingbird
import ServiceKit
import ServiceTracing
import ShopAPI
import TestSupport

/// Runs a service that has nothing but one route behind the admin token. The body sends it a POST with an
/// `Authorization`.
func withAdminService(
    token: String?,
    _ spans: SpanCollector,
    _ body: (@escaping @Sendable (_ path: String, _ authorization: String?) async throws -> HTTPAnswer) async throws ->
        Void
) async throws {
    let router = ServiceRouter(.ad, tracer: ServiceTracer("ad", spans), gate: AdminGate(token: token))
    router.postAdmin("/demo/reset") { _, _ in try .json(["success": true]) }
    try await withService(router) { send in
        try await body { path, authorization in
            var request = OutgoingRequest(method: .post, url: path)
            request.headers[.authorization] = authorization
            return try await send(request)
        }
    }
}

/// Runs a service while the body sends it requests, whose URLs are paths.
func withService(
    _ router: ServiceRouter,
    _ body: (@escaping @Sendable (OutgoingRequest) async throws -> HTTPAnswer) async throws -> Void
) async throws {
    let service = try await RunningService(router)
    let client = try CurlClient()
    do {
        try await body { request in
            var request = request
            request.url = service.url + request.url
            return HTTPAnswer(try await client.send(request))
        }
    } catch {
        await client.shutDown()
        await service.stop()
        throw error
    }
    await client.shutDown()
    await service.stop()
}
