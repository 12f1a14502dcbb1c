import HTTPClient
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import TestSupport
import Testing

/// What a browser can be made to do to a service that only this machine can reach.
@Suite(.timeLimit(.minutes(15)))
struct ClosedDoorTests {
    private func withService(
        isLoopbackOnly: Bool,
        _ body: (_ send: (_ line: String, _ headers: [String]) async -> String) async throws -> Void
    ) async throws {
        let router = ServiceRouter(
            .ad,
            tracer: ServiceTracer("ad", SpanCollector()),
            gate: AdminGate(token: nil),
            isLoopbackOnly: isLoopbackOnly
        )
        router.get("/thing") { _, _ in try .json(["secret": "of this shop"]) }
        router.post("/thing") { _, _ in try .json(["done": true]) }
        router.addObservation(health: { [:] }, stats: { [:] })
        let service = try await RunningService(router)
        try await body { line, headers in
            let lines = ["\(line) HTTP/1.1", "Connection: close", "Content-Length: 0"] + headers
            return await RawConnection.exchange(lines.joined(separator: "\r\n") + "\r\n\r\n", port: service.port)
        }
        await service.stop()
    }

    @Test("On loopback a Host that does not name this machine is refused: a rebound name reads nothing")
    func rebinding() async throws {
        try await withService(isLoopbackOnly: true) { send in
            for host in ["localhost:8014", "127.0.0.1", "[::1]:1", "shop.localhost"] {
                #expect(await send("GET /thing", ["Host: \(host)"]).hasPrefix("HTTP/1.1 200"), "\(host)")
            }
            for host in ["evil.example", "evil.example:8014", "127.0.0.1.evil.example", "192.168.1.7"] {
                for line in ["GET /thing", "POST /thing", "GET /nowhere", "GET /stats", "GET /openapi.json"] {
                    let answer = await send(line, ["Host: \(host)"])
                    #expect(answer.hasPrefix("HTTP/1.1 421"), "\(line) of \(host): \(answer)")
                    #expect(answer.contains(#""code":"unknown_host""#) && !answer.contains("of this shop"))
                }
            }
            for path in ["/health", "/health/live"] {
                #expect(
                    await send("GET \(path)", ["Host: 10.0.0.5:8017"]).hasPrefix("HTTP/1.1 200"),
                    "probes are spared"
                )
            }
        }
    }

    @Test("Beyond loopback a service has any name: a cluster's, a load balancer's")
    func clusterNames() async throws {
        try await withService(isLoopbackOnly: false) { send in
            for host in ["ad.ecommerce-demo.svc.cluster.local", "shop.example", "10.0.0.5:8017"] {
                #expect(await send("GET /thing", ["Host: \(host)"]).hasPrefix("HTTP/1.1 200"), "\(host)")
            }
        }
    }

    @Test("No page of another site may post anything, with a token or without")
    func otherSites() async throws {
        try await withService(isLoopbackOnly: true) { send in
            let host = "Host: localhost:8017"
            let refused = [
                ["Sec-Fetch-Site: cross-site"], ["Sec-Fetch-Site: same-site"], ["Origin: https://evil.example"],
                ["Origin: null"], ["Origin: http://localhost:8000"],
            ]
            for headers in refused {
                let answer = await send("POST /thing", [host] + headers)
                #expect(answer.hasPrefix("HTTP/1.1 403") && answer.contains("cross_origin"), "\(headers): \(answer)")
            }
            for headers in [
                [], ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"], ["Origin: http://localhost:8017"],
            ] {
                #expect(await send("POST /thing", [host] + headers).hasPrefix("HTTP/1.1 200"), "\(headers)")
            }
        }
    }

    @Test("No answer lets another site read it, run it, guess its type or frame it")
    func headers() async throws {
        try await withService(isLoopbackOnly: true) { send in
            let other = ["Host: localhost", "Origin: https://evil.example", "Access-Control-Request-Method: POST"]
            for line in [
                "GET /thing", "OPTIONS /thing", "POST /thing", "GET /nowhere", "GET /health", "GET /openapi.json",
            ] {
                let answer = await send(line, other).lowercased()
                #expect(!answer.contains("access-control-allow"), "\(line)")
                for header in [
                    "x-content-type-options: nosniff", "content-security-policy: default-src 'none'",
                    "cross-origin-resource-policy: same-origin", "cache-control: no-store",
                ] {
                    #expect(answer.contains(header), "\(line): \(header)")
                }
            }
        }
    }
}
