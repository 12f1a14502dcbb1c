import Commerce
import ConnectionPool
import Foundation
import GRDB
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

/// A disk that rots: a shop's file is refused as it is, or what is hit is an error of the request that reads it. A trap in
/// here ends the test run.
struct FlippedBitTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `a flipped bit anywhere in the shop's file ends no reader and no writer`(seed: UInt64) async throws {
        let directory = try TemporaryDirectory()
        let sound = directory.file("sound.sqlite")
        try await fill(sound)
        let bytes = try Data(contentsOf: URL(filePath: sound))
        var random = Lehmer(state: seed)
        for round in 0..<40 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let path = directory.file("\(round).sqlite")
            try damaged.write(to: URL(filePath: path))
            _ = try? ShopDatabase.outboxCounts(path: path)
            do {
                let shop = try ShopDatabase(path: path)
                await use(shop)
                try? await shop.close()
            } catch {
                #expect(error.code == .corrupt || error.code == .failed, "\(error)")
                #expect(try Data(contentsOf: URL(filePath: path)) == damaged)
            }
        }
    }

    /// A flip that `quick_check` would find at opening may come later: so each value is made one that cannot be.
    @Test func `a value that its column cannot have is an error of the request`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shop.sqlite")
        try await fill(path)
        let shop = try ShopDatabase(path: path)
        let readers = shop.readers("checkout", .init(size: 1))
        let store = SQLiteOrderStore(database: shop, readers: readers, tracer: .init("checkout", SpanCollector()))
        try await shop.committer.commit(trace: .none) { db, _ in
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(
                sql: """
                    UPDATE sqlite_schema SET sql = replace(replace(sql, 'STRICT', ''), 'NOT NULL', '')
                    WHERE name = 'order_items'
                    """
            )
        }
        try await shop.close()
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: "UPDATE order_items SET quantity = NULL, product_name = NULL")
        }
        let error = await #expect(throws: StorageError.self) { try await store.orders(of: nil, limit: 10) }
        #expect(error?.code == .corrupt)
    }

    /// Lehmer, 1951, with the constants of Steele and Vigna, 2021: the same flips each time.
    private struct Lehmer: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = (state | 1) &* 0xd133_3d3b_d1a6_a2bd &+ 0x9e37_79b9_7f4a_7c14
            return state ^ (state >> 32)
        }
    }

    private func fill(_ path: String) async throws {
        let shop = try ShopDatabase(path: path)
        let readers = shop.readers("checkout", .init(size: 1))
        let store = SQLiteOrderStore(database: shop, readers: readers, tracer: .init("checkout", SpanCollector()))
        for product in 1...20 { _ = try await store.place(Purchases.draft(product)) }
        let outbox = try shop.outbox()
        let waiting = try await outbox.pending(limit: 5)
        try await outbox.settle(waiting.map { OrderSettlement(id: $0.id, outcome: .rejected(reason: "no")) })
        try await shop.change(["mode": "normal"])
        try await shop.close()
    }

    /// Everything that a shop does with its file, whatever comes of it.
    private func use(_ shop: ShopDatabase) async {
        let readers = shop.readers("checkout", .init(size: 1))
        let store = SQLiteOrderStore(database: shop, readers: readers, tracer: .init("checkout", SpanCollector()))
        let catalog = SQLiteCatalogStore(database: shop, readers: readers, tracer: .init("catalog", SpanCollector()))
        for order in (try? await store.orders(of: nil, limit: 100)) ?? [] { _ = try? await store.order(order.id) }
        _ = try? await store.popularProducts(limit: 30)
        _ = try? await catalog.categories()
        _ = try? await catalog.products(containing: "a", limit: 100)
        for product in 1...21 { _ = try? await catalog.product(ProductID(product)) }
        _ = try? await shop.settings(prefix: "")
        _ = try? await shop.settledOrders(.latest(limit: 10))
        _ = try? await shop.settledOrders(.refused(limit: 10))
        if let outbox = try? shop.outbox(), let waiting = try? await outbox.pending(limit: 100) {
            try? await outbox.settle(waiting.map { OrderSettlement(id: $0.id, outcome: .accepted) })
        }
        for product in 1...21 { _ = try? await store.place(Purchases.draft(product)) }
        _ = try? await shop.outboxCounts()
    }
}
