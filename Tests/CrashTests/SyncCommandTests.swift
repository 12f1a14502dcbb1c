import ChildProcess
import Foundation
import GRDB
import HTTPClient
import HTTPTypes
import Shop
import ShopAPI
import TestSupport
import Testing

/// `popshop sync --once` as a script sees it, after a shop that was closed.
@Suite(.serialized) struct SyncCommandTests {
    @Test(arguments: [
        (FakeServer.Behaviour.dead, Refusal.Code.temporary.rawValue, "cannot be reached"),
        (
            .answer("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"), Refusal.Code.configuration.rawValue,
            "refuses the key"
        ),
        (.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 0, "spans"),
    ])
    func `it exits 0 when nothing is pending, 75 when something is, 78 when somebody has to act`(
        behaviour: FakeServer.Behaviour,
        code: Int32,
        words: String
    ) async throws {
        let directory = try await closedShop()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let ingress = try FakeServer(behaviour)
        let (status, said) = try Self.sync(directory, ["OTEL_EXPORTER_OTLP_ENDPOINT": ingress.url])
        #expect(status == code)
        let last = try #require(said.split(separator: "\n").last)
        #expect(last.hasPrefix("spans ") && last.contains(words), "\(said)")
        #expect(!said.contains(" -"), "A count that falls below nothing: \(said)")
        #expect((code == 0) != last.contains("still pending"))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal lets the answer come that is due, so that nothing is sent again`(signal: Int32) async throws {
        let directory = try await closedShop()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (arrived, answers) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let ingress = try FakeServer(.held(ok, arrived: arrived, answers: answers))
        let sync = try ChildProcess(
            ShopProcess.binary.path(),
            ["sync", "--once", "--data-dir", directory],
            environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": ingress.url, "LOG_LEVEL": "critical"]
        )
        await Self.wait(for: arrived)
        sync.signal(signal)
        answers.signal()
        let said = await sync.restOfOutput()
        let code = sync.waitUntilExit()
        #expect([0, Refusal.Code.temporary.rawValue].contains(code), "\(said)")
        let (_, status) = try ChildProcess.run(
            ShopProcess.binary.path(),
            ["status", "--json", "--data-dir", directory],
            environment: [:]
        )
        let fields = try JSONDecoder().decode([String: JSONValue].self, from: Data(status.utf8))
        guard case .object(let spans)? = fields["spans"], case .int(let sent)? = spans["sent"] else {
            Issue.record("\(status)")
            return
        }
        #expect(sent > 0, "\(status)")
    }

    private static func wait(for semaphore: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                semaphore.wait()
                continuation.resume()
            }
        }
    }

    @Test func `spans of a newer version are refused in one sentence, and left as they are`() async throws {
        let directory = try await closedShop()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let slice = directory + "/telemetry/slices/00000001.sqlite"
        let queue = try DatabaseQueue(path: slice)
        try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
        try queue.close()
        let (status, said) = try Self.sync(directory, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"])
        #expect(status == Refusal.Code.dataError.rawValue)
        #expect(said.hasPrefix("popshop: ") && said.contains("newer version"), "\(said)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory + "/telemetry/slices").contains(
                "00000001.sqlite"
            )
        )
    }

    @Test func `with nowhere to send it exits 78 and names the variables`() async throws {
        let directory = try await closedShop()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (status, said) = try Self.sync(directory, [:])
        #expect(status == Refusal.Code.configuration.rawValue)
        for name in ["CX_TOKEN", "OTEL_EXPORTER_OTLP_ENDPOINT", "SYNC_DATABASE_URL"] { #expect(said.contains(name)) }
    }

    @Test func `a shop with an admin token is asked with it, or says that it wants it`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-sync-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let upstream = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"]
        let shop = try ShopProcess(
            dataDirectory: directory,
            portOffset: KillTests.freeOffset(),
            environment: upstream.merging(["POPSHOP_ADMIN_TOKEN": "right", "LOG_LEVEL": "critical"]) { $1 }
        )
        defer { shop.kill() }
        let refused: [(String?, String)] = [(nil, "wants its admin token"), ("wrong", "is not that of the shop")]
        for (token, words) in refused {
            var environment = upstream
            environment["POPSHOP_ADMIN_TOKEN"] = token
            let (status, said) = try Self.sync(directory, environment)
            #expect(status == Refusal.Code.configuration.rawValue)
            #expect(said.contains(words) && said.contains("POPSHOP_ADMIN_TOKEN"), "\(said)")
        }
        let (status, _) = try Self.sync(directory, upstream.merging(["POPSHOP_ADMIN_TOKEN": "right"]) { $1 })
        #expect(status != Refusal.Code.configuration.rawValue)
    }

    @Test func `a health check asks the service that it names, and not whoever has its port`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-sync-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let offset = KillTests.freeOffset()
        let shop = try ShopProcess(dataDirectory: directory, portOffset: offset)
        defer { shop.kill() }
        func check(_ service: ServiceName, _ offset: Int) throws -> (code: Int32, said: String) {
            try ChildProcess.run(
                ShopProcess.binary.path(),
                ["healthcheck", service.rawValue, "--port-offset", "\(offset)"]
            )
        }
        for service in ServiceName.allCases { #expect(try check(service, offset).code == 0, "\(service)") }
        let (code, said) = try check(.checkout, offset + ServiceName.shipping.port - ServiceName.checkout.port)
        #expect(code == 1)
        #expect(said.contains("is not checkout"), "\(said)")
    }

    @Test func `a URL that is none is one sentence, and is not repeated`() async throws {
        let directory = try await closedShop()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (status, said) = try Self.sync(directory, ["SYNC_DATABASE_URL": "mysql://user:hunter2@host/db"])
        #expect(status == Refusal.Code.configuration.rawValue)
        #expect(said.contains("SYNC_DATABASE_URL") && !said.contains("hunter2"))
    }

    /// A data directory with some spans and an order in it, whose shop is closed.
    private func closedShop() async throws -> String {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-sync-\(UUID())").path()
        let shop = try ShopProcess(dataDirectory: directory, portOffset: KillTests.freeOffset())
        let client = try CurlClient()
        let answer = try await client.send(
            OutgoingRequest(
                method: .post,
                url: shop.options.localURL(of: .checkout) + "/orders/create",
                headers: [.contentType: "application/json"],
                body: Array(#"{"user_id": "shopper", "product_id": 1}"#.utf8)
            )
        )
        await client.shutDown()
        #expect(answer.status == .created)
        // An orderly end: a kill may cost the spans of the last moment, and some have to be there.
        #expect(shop.stop().code == 0)
        return directory
    }

    private static func sync(_ directory: String, _ environment: [String: String]) throws -> (code: Int32, said: String)
    {
        try ChildProcess.run(
            ShopProcess.binary.path(),
            ["sync", "--once", "--data-dir", directory],
            environment: environment.merging(["LOG_LEVEL": "critical"]) { $1 }
        )
    }
}
