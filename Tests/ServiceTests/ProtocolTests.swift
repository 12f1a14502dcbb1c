import HTTPClient
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import TestSupport
import Testing
import Tracing

@Suite(.timeLimit(.minutes(15)))
struct ProtocolTests {
    @Test("A known path asked with another method is 405 with Allow")
    func methods() async throws {
        try await ShopHarness.run { shop in
            let wrong: [(HTTPRequest.Method, ServiceName, String, String)] = [
                (.get, .checkout, "/checkout", "POST"), (.put, .checkout, "/checkout", "POST"),
                (.delete, .cart, "/cart/c", "GET, HEAD"), (.head, .currency, "/convert", "POST"),
                (.post, .productCatalog, "/products/1", "GET, HEAD"), (.patch, .shipping, "/methods", "GET, HEAD"),
                (.options, .ad, "/ads", "GET, HEAD"), (.get, .ad, "/ads/1/click", "POST"),
                (.post, .productCatalog, "/products/search", "GET, HEAD"), (.post, .cart, "/health", "GET, HEAD"),
                (.delete, .recommendation, "/recommendations", "POST, GET, HEAD"),
            ]
            for (method, service, path, allow) in wrong {
                let answer = try await shop.send(method, service, path)
                let what = Comment(rawValue: "\(method.rawValue) \(path)")
                #expect(answer.status == 405, what)
                #expect(answer.header("allow") == allow, what)
                guard method != .head, path != "/health" else { continue }
                #expect(answer.code == "method_not_allowed", what)
                try shop.expectContractError(answer, what)
            }
        }
    }

    @Test("So is one asked with a method that nobody knows; a path that is not there is 404 with any")
    func otherMethods() async throws {
        try await ShopHarness.run { shop in
            let asked: [(String, ServiceName, String, Int, String)] = [
                ("PROPFIND", .productCatalog, "/products", 405, "GET, HEAD"),
                ("QUERY", .checkout, "/orders/popular-products", 405, "GET, HEAD"),
                ("QUERY", .checkout, "/orders/create", 405, "POST"), ("LINK", .cart, "/cart/c%2Fd", 405, "GET, HEAD"),
                ("UNLINK", .cart, "/cart/c/add", 405, "POST"), ("QUERY", .cart, "/cart", 404, ""),
                ("QUERY", .ad, "/nowhere", 404, ""), ("GET", .ad, "/nowhere", 404, ""),
            ]
            for (method, service, path, status, allow) in asked {
                let request = "\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                let answer = await RawConnection.exchange(request, port: shop.port(service))
                #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(method) \(path): \(answer)")
                #expect(allow.isEmpty || answer.contains("Allow: \(allow)\r\n"), "\(answer)")
            }
        }
    }

    @Test("A body that is not JSON by its type is 415, and one without a type is taken for JSON")
    func contentTypes() async throws {
        try await ShopHarness.run { shop in
            for type in [
                "text/plain", "application/xml", "application/x-www-form-urlencoded", "json", "*/*", "a/b+jsonx",
            ] {
                let headers = ["Content-Type": type]
                let answer = try await shop.send(.post, .currency, "/convert", #"{"amount":1}"#, headers: headers)
                #expect(answer.status == 415 && answer.code == "unsupported_media_type", "\(type)")
                try shop.expectContractError(answer)
            }
            for type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.shop+json"] {
                let headers = ["Content-Type": type]
                let answer = try await shop.send(.post, .currency, "/convert", #"{"amount":1}"#, headers: headers)
                #expect(answer.status == 200, "\(type)")
            }
            let bare =
                "POST /convert HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{\"amount\":1}"
            #expect(await RawConnection.exchange(bare, port: shop.port(.currency)).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("A body over 1 MiB is 413, also where nobody would read it, and one of 1 MiB is not")
    func largeBodies() async throws {
        try await ShopHarness.run { shop in
            let large = String(repeating: " ", count: (1 << 20) + 1)
            let paths: [(ServiceName, String)] = [
                (.currency, "/convert"), (.checkout, "/checkout"), (.cart, "/cart/c/clear"), (.ad, "/ads/1/click"),
            ]
            for (service, path) in paths {
                let answer = try await shop.post(service, path, large)
                #expect(answer.status == 413 && answer.code == "body_too_large", "\(path)")
                try shop.expectContractError(answer)
            }
            let fitting = #"{"amount":1}"# + String(repeating: " ", count: (1 << 20) - 12)
            #expect(try await shop.post(.currency, "/convert", fitting).status == 200)
        }
    }

    @Test("A body over 1 MiB in chunks is 413 too, and the service goes on")
    func largeChunks() async throws {
        try await ShopHarness.run { shop in
            let head = """
                POST /convert HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n
                """
            let chunk = "10000\r\n" + String(repeating: " ", count: 1 << 16) + "\r\n"
            let large = head + String(repeating: chunk, count: 40) + "0\r\n\r\n"
            let answer = await RawConnection.exchange(large, port: shop.port(.currency))
            #expect(answer.hasPrefix("HTTP/1.1 413") && answer.contains("body_too_large"))
            #expect(answer.contains("traceresponse: 00-"))
            let small = head + "c\r\n{\"amount\":1}\r\n0\r\n\r\n"
            #expect(await RawConnection.exchange(small, port: shop.port(.currency)).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test(
        "A body that does not come as its headers say is the client's mistake, and no failure of the service",
        arguments: [
            "Content-Length: 1000\r\n\r\n{\"amount\":1}", "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{\"amount\":1}",
            "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"amount\":1}\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n1\r\n{",
            "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{", "Transfer-Encoding: cow\r\n\r\n{\"amount\":1}",
        ]
    )
    func brokenBodies(rest: String) async throws {
        try await ShopHarness.run { shop in
            let head = "POST /convert HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            let answer = await RawConnection.exchange(head + rest, port: shop.port(.currency))
            #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("malformed_body"), "\(answer)")
            let span = try #require(shop.spans.named("POST /convert").first)
            #expect(span.outcome == .unset && span.text("error.type") == "malformed_body")
        }
    }

    @Test("HEAD is GET without the body")
    func head() async throws {
        try await ShopHarness.run { shop in
            for path in ["/products", "/products/1", "/categories"] {
                let get = try await shop.get(.productCatalog, path)
                let head = try await shop.send(.head, .productCatalog, path)
                #expect(head.status == 200 && head.body.isEmpty)
                #expect(head.header("content-length") == "\(get.body.count)")
                #expect(head.traceID != nil && head.traceID != get.traceID)
            }
            #expect(try await shop.send(.head, .productCatalog, "/products/99").status == 404)
            #expect(try await shop.send(.head, .productCatalog, "/nowhere").status == 404)
        }
    }

    @Test("Raw bytes that are no ASCII in a path are a name like any other, or refused")
    func rawPath() async throws {
        try await ShopHarness.run { shop in
            let request = "GET /cart/käse HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            let answer = await RawConnection.exchange(request, port: shop.port(.cart))
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.contains("käse") || answer.hasPrefix("HTTP/1.1 400"))
            let encoded = try await shop.get(.cart, "/cart/k%C3%A4se")
            #expect(encoded.json["cart_id"] == "käse")
        }
    }

    @Test("What changes the demo's state needs the admin token")
    func adminGate() async throws {
        let spans = SpanCollector()
        try await withAdminService(token: "s3cret", spans) { send in
            let refused = [
                nil, "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crett", "Basic s3cret", "s3cret", "Bearer S3CRET",
            ]
            for authorization in refused {
                let answer = try await send("/demo/reset", authorization)
                #expect(answer.status == 401 && answer.code == "unauthorized", "\(authorization ?? "none")")
                #expect(answer.header("www-authenticate")?.hasPrefix("Bearer") == true)
                #expect(answer.json.names == ["error", "code", "trace_id"] && !answer.text.contains("s3cret"))
            }
            #expect(try await send("/demo/reset", "Bearer s3cret").status == 200)
            #expect(try await send("/demo/reset", "bearer s3cret").status == 200)
            #expect(!spans.spans.contains { "\($0.attributes)\($0.events)".contains("s3cret") })
        }
        try await withAdminService(token: nil, spans) { send in
            let open = try await send("/demo/reset", nil)
            #expect(open.status == 200)
        }
    }
    @Test("A page of another site cannot change the demo's state where there is no token to stop it")
    func crossOrigin() async throws {
        let router = ServiceRouter(.ad, tracer: ServiceTracer("ad", SpanCollector()), gate: AdminGate(token: nil))
        router.postAdmin("/demo/reset") { _, _ in try .json(["success": true]) }
        try await withService(router) { send in
            let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
            for headers: HTTPFields in [[site: "cross-site"], [site: "same-site"], [.origin: "http://evil.example"]] {
                let refused = try await send(OutgoingRequest(method: .post, url: "/demo/reset", headers: headers))
                #expect(refused.status == 403 && refused.code == "cross_origin")
            }
            let own = OutgoingRequest(method: .post, url: "/demo/reset", headers: [site: "same-origin"])
            #expect(try await send(own).status == 200)
        }
    }
}
