import ChildProcess
import Foundation
import GRDB
import HTTPClient
import HTTPTypes
import SQLiteStorage
import Shop
import ShopAPI
import Storage
import Testing

/// The promise behind `201`: what was acknowledged is on disk, whenever the process is killed.
@Suite(.serialized) struct KillTests {
    private static let rounds = 20

    @Test func `twenty kills under load lose no acknowledged order, and the books balance after each`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-kill-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var random = SystemRandomNumberGenerator()
        var acknowledged: Set<String> = []
        let client = try CurlClient()
        for _ in 0..<Self.rounds {
            let shop = try ShopProcess(dataDirectory: directory, portOffset: Self.freeOffset())
            // Somewhere within the first orders: in the midst of a commit as often as not.
            let enough = Int.random(in: 1...150, using: &random)
            acknowledged.formUnion(await Self.load(shop, client, killAfter: enough))
            try Self.check(directory, acknowledged)
        }
        await client.shutDown()
        #expect(acknowledged.count >= Self.rounds)
    }

    @Test func `SIGTERM under load finishes requests, loses nothing and exits 0`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-term-\(UUID())").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let client = try CurlClient()
        let shop = try ShopProcess(dataDirectory: directory, portOffset: Self.freeOffset())
        let acknowledged = await Self.load(shop, client, stopAfter: 100)
        #expect(shop.process.waitUntilExit() == 0)
        await client.shutDown()
        try Self.check(directory, acknowledged)
    }

    /// Below the ports that Linux gives to outgoing connections, and none that `ShopTests` would take.
    static func freeOffset() -> Int {
        while true {
            let offset = Int.random(in: 590..<980) * 25
            if ServiceName.allCases.allSatisfy({ Ports.problem(host: "127.0.0.1", port: $0.port + offset) == nil }) {
                return offset
            }
        }
    }

    /// Sixteen shoppers order until the shop is gone; returns what was answered 201.
    private static func load(
        _ shop: ShopProcess,
        _ client: CurlClient,
        killAfter: Int = .max,
        stopAfter: Int = .max
    ) async -> Set<String> {
        let url = shop.options.localURL(of: .checkout) + "/orders/create"
        let (acknowledgements, more) = AsyncStream.makeStream(of: String.self)
        async let shoppers: Void = shoppers(at: url, client, more)
        var orders: Set<String> = []
        for await order in acknowledgements {
            orders.insert(order)
            if orders.count == killAfter { shop.kill() }
            if orders.count == stopAfter { _ = shop.stop() }
        }
        await shoppers
        return orders
    }

    private static func shoppers(
        at url: String,
        _ client: CurlClient,
        _ acknowledged: AsyncStream<String>.Continuation
    ) async {
        await withTaskGroup { group in
            for shopper in 0..<16 {
                group.addTask {
                    while let order = await order(as: shopper, at: url, client) { acknowledged.yield(order) }
                }
            }
        }
        acknowledged.finish()
    }

    private static func order(as shopper: Int, at url: String, _ client: CurlClient) async -> String? {
        let request = OutgoingRequest(
            method: .post,
            url: url,
            headers: [.contentType: "application/json"],
            body: Array(#"{"user_id": "shopper-\#(shopper)", "product_id": \#(shopper + 1)}"#.utf8)
        )
        guard let response = try? await client.send(request), response.status == .created else { return nil }
        return try? JSON.decoder.decode(CreateOrderAnswer.self, from: Data(response.body)).order_id
    }

    private static func check(_ directory: String, _ acknowledged: Set<String>) throws {
        let database = try DatabaseQueue(path: Shop.databasePath(directory))
        let (verdict, stored) = try database.read { db in
            (
                try String.fetchAll(db, sql: "PRAGMA integrity_check"),
                try Set(String.fetchAll(db, sql: "SELECT id FROM orders"))
            )
        }
        try database.close()
        #expect(verdict == ["ok"])
        #expect(acknowledged.subtracting(stored).isEmpty)
        let counts = try #require(try ShopDatabase.outboxCounts(path: Shop.databasePath(directory))).counts
        #expect(counts.balances)
        // Ten are seed orders, which never enter the outbox.
        #expect(counts.enqueued == stored.count - 10)
        try checkSlices(directory)
    }

    private static func checkSlices(_ directory: String) throws {
        let slices = URL(filePath: Shop.telemetryDirectory(directory)).appending(path: "slices")
        for name in try FileManager.default.contentsOfDirectory(atPath: slices.path()) where name.hasSuffix(".sqlite") {
            let slice = try DatabaseQueue(path: slices.appending(path: name).path())
            let (verdict, rows, enqueued) = try slice.read { db in
                (
                    try String.fetchAll(db, sql: "PRAGMA integrity_check"),
                    try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM spans"),
                    try Int.fetchOne(db, sql: "SELECT SUM(span_count) FROM traces")
                )
            }
            try slice.close()
            #expect(verdict == ["ok"])
            #expect(rows == enqueued ?? 0)
        }
    }
}
