import Commerce
import ConnectionPool
import Faults
import SQLiteStorage
import ServiceTracing
import Storage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct SlowReaderTests {
    @Test("While every reader of a service sleeps, orders are placed and settings changed: the writer never sleeps")
    func writerIsAwake() async throws {
        let shop = try SQLiteShop()
        let slow = ServiceFaults("product-catalog", LiveFaults())
        slow.live.update(
            DemoState(
                faults: FaultSet([
                    FaultSetting(.slowQueries, service: "product-catalog", strength: 3000, setBy: .presenter)
                ])
            )
        )
        let readers = shop.database.readers("product-catalog", PoolConfiguration(size: 20))
        let catalog = SQLiteCatalogStore(
            database: shop.database,
            readers: readers,
            tracer: shop.tracer,
            faults: slow
        )
        // A span is there when its statement has ended. On a machine that is busy with something else all may have ended
        // before the order was placed, which tells nothing: then once more. A writer that slept would never get there.
        var hasEnded = true
        while hasEnded {
            try await withThrowingTaskGroup(of: Void.self) { group in
                let before = shop.spans.named("SELECT products").count
                for _ in 0..<20 {
                    group.addTask { _ = try await catalog.product(ProductID(1)) }
                }
                while readers.statistics.active < 20, shop.spans.named("SELECT products").count == before {
                    await Task.yield()
                }
                let order = try await shop.orders.place(Purchases.draft()).order
                try await shop.database.setDemoMode(.blackfriday)
                #expect(try await shop.database.demoMode() == .blackfriday)
                hasEnded = shop.spans.named("SELECT products").count > before
                try await group.waitForAll()
                #expect(try await shop.orders.order(order.id) != nil)
            }
        }
        #expect(readers.statistics.active == 0)
    }

    @Test("Without a free connection no order is placed: the wait is a span that says how the pool stood")
    func emptyPool() async throws {
        let shop = try SQLiteShop(pool: PoolConfiguration(size: 2, acquireTimeout: .milliseconds(30)))
        let held = [try await shop.readers.lease(), try await shop.readers.lease()]
        await #expect(throws: StorageError.self) { try await shop.orders.place(Purchases.draft()) }
        let wait = try #require(shop.spans.named("wait for connection").last)
        #expect(wait.failure != nil && wait.attributes["db.connection.pool.exhausted"] == .bool(true))
        #expect(wait.int("db.connection.pool.size") == 2 && wait.int("db.connection.pool.rejected_count") == 1)
        for lease in held { lease.release() }
        _ = try await shop.orders.place(Purchases.draft())
        #expect(shop.readers.statistics.active == 0)
    }
}
