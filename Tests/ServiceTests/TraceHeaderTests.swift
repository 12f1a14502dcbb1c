import HTTPTypes
import ServiceTracing
import ShopAPI
import TestSupport
import Testing
import Tracing

@Suite(.timeLimit(.minutes(15)))
struct TraceHeaderTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test("Every answer has a traceresponse of a recorded trace, whatever its status")
    func everyAnswer() async throws {
        try await ShopHarness.run { shop in
            let requests: [(HTTPRequest.Method, String, Int)] = [
                (.get, "/products", 200), (.get, "/products/99", 404), (.get, "/nowhere", 404),
                (.post, "/products", 405),
                (.get, "/products?limit=0", 422), (.head, "/products", 200),
            ]
            for (method, path, status) in requests {
                let answer = try await shop.send(method, .productCatalog, path)
                #expect(answer.status == status)
                let id = try #require(answer.traceID)
                let span = try #require(shop.spans.trace(id).first { $0.kind == .server })
                #expect(answer.traceFlags == "03")
                #expect(answer.header("traceresponse") == span.context.traceParent)
                #expect(span.int("http.response.status_code") == Int64(status) && span.outcome == .unset)
            }
        }
    }

    @Test("A span is named by its route and never by the path")
    func names() async throws {
        try await ShopHarness.run { shop in
            let answer = try await shop.get(.productCatalog, "/products/1?x=y")
            let span = try #require(answer.traceID.flatMap { shop.spans.trace($0) }?.last)
            #expect(span.name == "GET /products/{id}" && span.text("http.route") == "/products/{id}")
            #expect(span.text("url.path") == "/products/1" && span.text("url.query") == "x=y")
            #expect(
                span.text("server.address") == "127.0.0.1"
                    && span.int("server.port") == Int64(shop.port(.productCatalog))
            )
            #expect(span.text("client.address") == "127.0.0.1" && span.text("user_agent.original") == "PopShop")
            let lost = try await shop.get(.productCatalog, "/secret/4711")
            #expect(lost.traceID.flatMap { shop.spans.trace($0) }?.map(\.name) == ["GET"])
        }
    }

    @Test("A method that nobody knows is _OTHER on its span, and refused")
    func otherMethod() async throws {
        try await ShopHarness.run { shop in
            let brew = "PROPFIND /products HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n"
            let answer = await RawConnection.exchange(brew, port: shop.port(.productCatalog))
            #expect(answer.hasPrefix("HTTP/1.1 40"))
            let span = try #require(shop.spans.spans.last)
            #expect(span.text("http.request.method") == "_OTHER")
            #expect(span.text("http.request.method_original") == "PROPFIND")
            #expect(span.text("server.address")?.contains("::1") == true && span.int("server.port") == 80)
        }
    }

    @Test("The caller's trace is continued, sampled or not")
    func continued() async throws {
        try await ShopHarness.run { shop in
            let sampled = try await shop.traced("\(Self.parent)-01")
            #expect(sampled.traceID == Self.trace && sampled.traceFlags == "01")
            #expect(shop.spans.trace(Self.trace).last?.parentSpanID?.description == "00f067aa0ba902b7")
            shop.spans.removeAll()
            let unsampled = try await shop.traced("\(Self.parent)-00")
            #expect(unsampled.status == 200 && unsampled.traceID == Self.trace && unsampled.traceFlags == "00")
            #expect(shop.spans.spans.isEmpty)
        }
    }

    @Test("A broken traceparent starts a new trace, and the request is answered all the same")
    func brokenParent() async throws {
        try await ShopHarness.run { shop in
            let broken = [
                "", "nonsense", Self.parent, "\(Self.parent)-1", "\(Self.parent)-01-", "\(Self.parent)-0g",
                "ff-\(Self.trace)-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-\(Self.trace)-0000000000000000-01", "00-\(Self.trace.uppercased())-00f067aa0ba902b7-01",
                "00_\(Self.trace)_00f067aa0ba902b7_01", String(repeating: "0", count: 8000),
            ]
            for parent in broken {
                let answer = try await shop.traced(parent)
                #expect(answer.status == 200 && answer.traceFlags == "03", "\(parent.prefix(80))")
                #expect(answer.traceID != nil && answer.traceID != Self.trace, "\(parent.prefix(80))")
            }
        }
    }

    @Test("Broken tracestate and baggage harm nobody")
    func brokenState() async throws {
        try await ShopHarness.run { shop in
            let broken = [
                "", "=", ",,,", "a", "a=b=c", "\"", "a=\u{1}", "🎧=1", String(repeating: "a=b,", count: 1000), "%zz=%zz",
                "session.id=%FF", String(repeating: "x", count: 7000),
            ]
            for header in ["tracestate", "baggage"] {
                for value in broken {
                    let line = "GET /products/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    let request = "\(line)traceparent: \(Self.parent)-01\r\n\(header): \(value)\r\n\r\n"
                    let answer = await RawConnection.exchange(request, port: shop.port(.productCatalog))
                    // A control character is no header at all: that request may be refused as a whole.
                    let isHeader = !value.contains("\u{1}")
                    #expect(!isHeader || answer.hasPrefix("HTTP/1.1 200"), "\(header): \(value.prefix(40))")
                    #expect(!isHeader || answer.contains("traceresponse: 00-\(Self.trace)"), "\(value.prefix(40))")
                    #expect(answer.hasPrefix("HTTP/1.1 200") || answer.hasPrefix("HTTP/1.1 400"))
                }
            }
        }
    }

    @Test("Probes answer flags 00 and record nothing, unless the caller is sampled", arguments: ShopHarness.services)
    func probes(service: ServiceName) async throws {
        try await ShopHarness.run { shop in
            for path in ["/health", "/health/live", "/stats"] {
                for method in [HTTPRequest.Method.get, .head] {
                    let answer = try await shop.send(method, service, path)
                    #expect(answer.status == 200 && answer.traceFlags == "00" && answer.traceID != nil)
                    let unsampled = ["traceparent": "\(Self.parent)-00"]
                    #expect(try await shop.send(method, service, path, headers: unsampled).traceFlags == "00")
                }
            }
            #expect(shop.spans.spans.isEmpty)
            let sampled = ["traceparent": "\(Self.parent)-01"]
            let answer = try await shop.send(.get, service, "/health", headers: sampled)
            #expect(answer.traceID == Self.trace && answer.traceFlags == "01")
            #expect(shop.spans.trace(Self.trace).contains { $0.name == "GET /health" })
        }
    }
}

extension ShopHarness {
    fileprivate func traced(_ parent: String) async throws -> HTTPAnswer {
        try await send(.get, .productCatalog, "/products/1", headers: ["traceparent": parent])
    }
}
