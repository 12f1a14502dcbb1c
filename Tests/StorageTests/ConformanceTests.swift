import Commerce
import SQLiteStorage
import Storage
import StorageConformance
import Synchronization
import TestSupport
import Testing

/// The suites of `StorageConformance` on the engines of this package.
struct ConformanceTests {
    @Test("SQLite keeps a catalog as every engine does")
    func sqliteCatalog() async {
        let shops = Kept()
        let failures = await CatalogConformance.suite.run { _ in try shops.keep(SQLiteShop()).catalog }
        #expect(failures == [])
    }

    @Test("SQLite keeps orders as every engine does", .timeLimit(.minutes(15)))
    func sqliteOrders() async {
        let shops = Kept()
        let failures = await OrderConformance.suite.run { _ in
            let shop = try shops.keep(SQLiteShop())
            return OrderSubject(orders: shop.orders, catalog: shop.catalog)
        }
        #expect(failures == [])
    }

    @Test("SQLite keeps settings as every engine does")
    func sqliteSettings() async {
        let shops = Kept()
        let failures = await SettingsConformance.suite.run { _ in
            let shop = try shops.keep(SQLiteShop())
            return SettingsSubject(settings: shop.database) {
                try await shop.database.close()
                return try ShopDatabase(path: shop.path)
            }
        }
        #expect(failures == [])
    }

    @Test("SQLite's reads are slowed as every engine's are", .timeLimit(.minutes(15)))
    func sqliteSlowQueries() async {
        let shops = Kept()
        let failures = await SlowQueryConformance.suite.run { _ in
            let shop = try shops.keep(SQLiteShop())
            return SlowQuerySubject(
                catalog: shop.catalog,
                orders: shop.orders,
                table: shop.database,
                faults: shop.faults,
                statements: { shop.spans.statements }
            )
        }
        #expect(failures == [])
    }

    @Test("Memory keeps carts as every engine does")
    func memoryCarts() async {
        let failures = await CartConformance.suite.run { _ in
            let clock = Clock()
            return CartSubject(carts: MemoryCartStore(now: { clock.now }), advance: { clock.advance($0) })
        }
        #expect(failures == [])
    }

    @Test("A suite finds what does not conform, and an opt-out of nothing")
    func suiteCanFail() async {
        let clock = Clock()
        let forgetful = MemoryCartStore(lifetime: 1000, now: { clock.now })
        let subject = CartSubject(carts: forgetful, advance: { clock.advance($0) })
        let day = "a cart is gone after a day without use"
        let failures = await CartConformance.suite.run { name in
            name == day ? subject : CartSubject(carts: MemoryCartStore(now: { 0 }), advance: nil)
        }
        #expect(failures.map(\.caseName) == [day])
        let skipped = await CartConformance.suite.run(skipping: [day, "no such case"]) { _ in
            CartSubject(carts: MemoryCartStore(now: { 0 }), advance: nil)
        }
        #expect(skipped.map(\.caseName) == ["no such case"])
    }

    /// Folders live as long as what is in them is used.
    private final class Kept: Sendable {
        private let shops = Mutex<[SQLiteShop]>([])

        func keep(_ shop: SQLiteShop) -> SQLiteShop {
            shops.withLock { $0.append(shop) }
            return shop
        }
    }

    private final class Clock: Sendable {
        private let time = Mutex<Int64>(1_700_000_000_000)

        var now: Int64 { time.withLock { $0 } }

        func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
    }
}

struct MemoryCartStoreTests {
    @Test("The cart unused for longest makes room for one too many")
    func bounded() async throws {
        let time = Mutex<Int64>(0)
        let store = MemoryCartStore(
            maximumCarts: 3,
            now: {
                time.withLock {
                    $0 += 1
                    return $0
                }
            }
        )
        let line = Cart.Line(productID: ProductID(1), productName: "P", price: .zero(.usd), quantity: 1)
        let ids = (0..<4).map { CartID(rawValue: "cart-\($0)") }
        for id in ids.prefix(3) { _ = try await store.add(line, to: id) }
        // Used again: now the second is the oldest.
        for _ in 0..<50 { _ = try await store.add(line, to: ids[0]) }
        _ = try await store.add(line, to: ids[3])
        #expect(await store.state == CartStoreState(storage: "memory", isDegraded: false, carts: 3))
        #expect(await store.cart(ids[1]).lines.isEmpty)
        #expect(await store.cart(ids[0]).lines.first?.quantity == 51)
        #expect(await store.cart(ids[2]).lines.count == 1)
    }
}
