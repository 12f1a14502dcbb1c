import HTTPClient
import HTTPTypes
import Hummingbird
import NIOCore
public import ServiceKit
public import ShopAPI

/// `/api/shop/…`: the shop page's way to the services. A page may only speak with its own origin, so what a visitor does
/// is forwarded from here, and its trace begins here.
public struct StorefrontController: Sendable {
    private let caller: ServiceCaller

    /// - Parameter caller: With the console's own tracer, and the patience of somebody who shops.
    public init(caller: ServiceCaller) {
        self.caller = caller
    }

    /// Adds the routes.
    public func addRoutes(to router: ServiceRouter) {
        addCatalog(to: router)
        addCart(to: router)
        router.get("/api/shop/rates") { _, _ in try await forward(.currency, RequestPath(.get, "/rates")) }
        router.get("/api/shop/ads") { request, _ in
            let query = [("category", try request.query.text("category")), ("limit", try request.query.text("limit"))]
            return try await forward(.ad, RequestPath(.get, "/ads", query: query))
        }
        router.post("/api/shop/ads/{id}/click") { request, context in
            let path = RequestPath(.post, "/ads/{id}/click", ["id": context.pathValue("id")])
            return try await forward(.ad, path, body: request.jsonBytes())
        }
        router.post("/api/shop/convert") { request, _ in
            try await forward(.currency, RequestPath(.post, "/convert"), body: request.jsonBytes())
        }
        router.post("/api/shop/shipping") { request, _ in
            try await forward(.shipping, RequestPath(.post, "/calculate"), body: request.jsonBytes())
        }
        router.post("/api/shop/checkout") { request, _ in
            var path = RequestPath(.post, "/checkout")
            if let key = Self.idempotencyKey { path.headers[key] = request.headers[key] }
            return try await forward(.checkout, path, body: request.jsonBytes())
        }
        router.get("/api/shop/orders/{id}") { _, context in
            try await forward(.checkout, RequestPath(.get, "/orders/{order_id}", ["order_id": context.pathValue("id")]))
        }
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")

    private func addCatalog(to router: ServiceRouter) {
        router.get("/api/shop/products") { request, _ in
            let query = request.query
            if let text = try query.text("q") {
                return try await forward(.productCatalog, RequestPath(.get, "/products/search", query: [("q", text)]))
            }
            let path = RequestPath(.get, "/products", query: [("category", try query.text("category"))])
            return try await forward(.productCatalog, path)
        }
        router.get("/api/shop/products/{id}") { _, context in
            try await forward(.productCatalog, RequestPath(.get, "/products/{id}", ["id": context.pathValue("id")]))
        }
        router.get("/api/shop/categories") { _, _ in
            try await forward(.productCatalog, RequestPath(.get, "/categories"))
        }
        router.get("/api/shop/recommendations") { request, _ in
            let query = [
                ("user_id", try request.query.text("user_id") ?? "visitor"),
                ("category", try request.query.text("category")),
            ]
            return try await forward(.recommendation, RequestPath(.get, "/recommendations", query: query))
        }
    }

    private func addCart(to router: ServiceRouter) {
        router.get("/api/shop/cart/{cart_id}") { _, context in
            try await forward(.cart, RequestPath(.get, "/cart/{cart_id}", ["cart_id": context.pathValue("cart_id")]))
        }
        for action in ["add", "remove", "clear"] {
            router.post("/api/shop/cart/{cart_id}/\(action)") { request, context in
                let cart = ["cart_id": context.pathValue("cart_id")]
                let path = RequestPath(.post, "/cart/{cart_id}/\(action)", cart)
                return try await forward(.cart, path, body: request.jsonBytes())
            }
        }
    }

    /// Hands on the service's own answer, whatever its status.
    private func forward(_ service: ServiceName, _ path: RequestPath, body: [UInt8] = []) async throws -> Response {
        let answer = try await caller.send(service, path, body: body)
        var headers: HTTPFields = [
            .contentType: "application/json",
            .contentLength: "\(answer.body.count)",
            .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
        ]
        headers[.retryAfter] = answer.headers[.retryAfter]
        return Response(
            status: answer.status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}
