import HTTPClient
import HTTPTypes
import Hummingbird
import ServiceKit
import ServiceTracing
import TestSupport

/// Runs a service that has nothing but one route behind the admin token. The body sends it a POST with an
/// `Authorization`.
func withAdminService(
    token: String?,
    _ spans: SpanCollector,
    _ body: ((_ path: String, _ authorization: String?) async throws -> HTTPAnswer) async throws -> Void
) async throws {
    let router = ServiceRouter(.ad, tracer: ServiceTracer("ad", spans), gate: AdminGate(token: token))
    router.postAdmin("/demo/reset") { _, _ in try .json(["success": true]) }
    let service = try await RunningService(router)
    let client = try CurlClient()
    do {
        try await body { path, authorization in
            var request = OutgoingRequest(method: .post, url: service.url + path)
            request.headers[.authorization] = authorization
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
