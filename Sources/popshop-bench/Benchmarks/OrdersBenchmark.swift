import HTTPClient
import HTTPTypes
import ShopAPI

/// How much is bought a second. Every order is on disk, by fsync, before it is answered.
enum OrdersBenchmark {
    /// Measures once: so many a second.
    typealias Meter = @Sendable () async throws -> Double

    private static let rounds = 5
    private static let seconds = 2

    static func orders(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(.shopping)
        let orders = try orders(of: shop, workplace)
        let (samples, bare) = try await turns(orders) {
            try BareSQLite.orderRate(try await migrated(workplace) + "/shop.sqlite")
        }
        await shop.stop()
        report(
            Figure(
                "orders",
                "orders/s",
                better: .higher,
                samples,
                goal: 5_000,
                limit: ("the same rows by bare sqlite3, 32 orders a transaction and an fsync", bare),
                elsewhere: (Benchmarks.predecessor, 477)
            )
        )
    }

    static func cart(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(.shopping)
        let hello = try await HelloProcess(in: workplace)
        let (samples, constant) = try await turns(try adds(of: shop, workplace)) {
            try await hello.constant.rate(seconds: seconds)
        }
        await shop.stop()
        await hello.stop()
        report(
            Figure(
                "cart",
                "adds/s",
                better: .higher,
                samples,
                goal: 10_000,
                limit: ("a constant answered by Hummingbird alone", constant),
                elsewhere: (Benchmarks.predecessor, 512)
            )
        )
    }

    static func checkout(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(.shopping)
        let checkouts = checkouts(of: shop)
        var samples: [Double] = []
        for number in 0...rounds {
            let rate = try await checkouts()
            if number > 0 { samples.append(rate) }
        }
        await shop.stop()
        report(Figure("checkout", "checkouts/s", better: .higher, samples, goal: 1_200))
    }

    /// The short form: the product is looked up over HTTP, the order written.
    static func orders(of shop: ShopProcess, _ workplace: Workplace) throws -> Meter {
        meter(try Wrk(workplace, shop.url(.checkout, ""), post: Path.order, body: Path.orderBody))
    }

    /// Name and price are looked up in the catalog over HTTP, as a browser's adds are.
    static func adds(of shop: ShopProcess, _ workplace: Workplace) throws -> Meter {
        meter(try Wrk(workplace, shop.url(.cart, ""), post: Path.add, body: Path.addBody))
    }

    static func products(of shop: ShopProcess, _ workplace: Workplace) throws -> Meter {
        meter(try Wrk(workplace, shop.url(.productCatalog, ""), get: Path.product))
    }

    private static func meter(_ load: Wrk) -> Meter { { try await load.rate(seconds: seconds) } }

    /// The whole of it, over six services' worth of calls. The carts are filled before the clock runs.
    static func checkouts(of shop: ShopProcess) -> Meter {
        let (cart, checkout) = (shop.url(.cart, "/cart"), shop.url(.checkout, "/checkout"))
        let fill = Load(shop.client) { .post("\(cart)/bench-\($0)/add", #"{"product_id":\#($0 % 21 + 1)}"#) }
        let buy = Load(shop.client) { .post(checkout, #"{"cart_id":"bench-\#($0)","user_id":"bench"}"#) }
        return {
            _ = try await fill.rate(.requests(1_000))
            return try await buy.rate(.requests(1_000))
        }
    }

    /// Each in its turn, after a round that does not count.
    private static func turns(_ ours: Meter, _ limit: () async throws -> Double) async throws -> ([Double], [Double]) {
        _ = (try await ours(), try await limit())
        var (samples, limits): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            samples.append(try await ours())
            limits.append(try await limit())
        }
        return (samples, limits)
    }

    /// A data directory with an empty shop's database.
    static func migrated(_ workplace: Workplace) async throws -> String {
        let data = workplace.newPath("data")
        try await workplace.start("popshop", ["migrate", "--data-dir", data], environment: ["LOG_LEVEL": "error"])
            .wait()
        return data
    }
}
