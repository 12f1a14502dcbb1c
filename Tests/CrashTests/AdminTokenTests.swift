import ChildProcess
import Foundation
import HTTPClient
import HTTPTypes
import Shop
import ShopAPI
import Testing

/// What the real binary asks of whoever wants to change the demo.
@Suite(.timeLimit(.minutes(15)))
struct AdminTokenTests {
    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1"], [nil, ""])
    func `nothing listens beyond this machine without a token`(host: String, token: String?) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-token-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var environment = ["LOG_LEVEL": "critical"]
        environment["POPSHOP_ADMIN_TOKEN"] = token
        let (code, said) = try ChildProcess.run(
            ShopProcess.binary.path(),
            ["serve", "ad", "--host", host, "--data-dir", directory, "--port-offset", "\(KillTests.freeOffset())"],
            environment: environment
        )
        #expect(code == Refusal.Code.configuration.rawValue)
        #expect(said == "popshop: Listening on \(host), beyond this machine, needs POPSHOP_ADMIN_TOKEN to be set.\n")
    }

    /// What a service describes, and so all that it has (`DescriptionTests`): each POST, by whether it needs the token.
    private struct Description: Decodable {
        struct Operation: Decodable {
            var security: [[String: [String]]]?
        }
        var paths: [String: [String: Operation]]
    }

    /// What a shopper's own browser asks for, and what services ask of each other: open also where there is a token.
    private static let shopping: Set<String> = [
        "/ads/{id}/click", "/api/checkout", "/api/products/browse", "/calculate", "/cart/{cart_id}/add",
        "/cart/{cart_id}/clear", "/cart/{cart_id}/remove", "/checkout", "/convert", "/orders/create",
        "/payments/authorize", "/recommendations", "/api/shop/ads/{id}/click", "/api/shop/cart/{cart_id}/add",
        "/api/shop/cart/{cart_id}/clear", "/api/shop/cart/{cart_id}/remove", "/api/shop/checkout", "/api/shop/convert",
        "/api/shop/shipping",
    ]

    @Test func `with a token, all that is not shopping wants it`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-token-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let shop = try ShopProcess(
            dataDirectory: directory,
            portOffset: KillTests.freeOffset(),
            environment: ["POPSHOP_ADMIN_TOKEN": "right", "LOG_LEVEL": "critical"]
        )
        defer { shop.kill() }
        let client = try CurlClient()
        var open: Set<String> = []
        var closed = 0
        for service in ServiceName.allCases {
            let base = shop.options.localURL(of: service)
            let told = try await client.send(OutgoingRequest(method: .get, url: base + "/openapi.json"))
            let description = try JSONDecoder().decode(Description.self, from: Data(told.body))
            for (path, operations) in description.paths {
                guard let operation = operations["post"] else { continue }
                let needsToken = operation.security?.contains { $0["admin"] != nil } ?? false
                let url = base + path.filter { !"{}".contains($0) }
                for authorization in [nil, "Bearer wrong", "Basic right"] {
                    // A body that no route takes: what is open refuses it, and changes nothing.
                    var request = OutgoingRequest(method: .post, url: url, body: Array("[".utf8))
                    request.headers[.contentType] = "application/json"
                    request.headers[.authorization] = authorization
                    let status = try await client.send(request).status
                    #expect((status == 401) == needsToken, "\(service) \(path): \(status)")
                }
                if needsToken { closed += 1 } else { open.insert(path) }
            }
        }
        await client.shutDown()
        #expect(open == Self.shopping)
        #expect(closed > 0)
    }
}
