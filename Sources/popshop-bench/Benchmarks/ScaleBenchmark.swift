import Commerce
import Foundation
import HTTPClient
import HTTPTypes
import ShopAPI
import Storage
import Synchronization

/// What does not change as there is more: of orders, of carts, of connections.
enum ScaleBenchmark {
    private static let rounds = 5

    /// A database of a million orders beside an empty one.
    static func orders(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let count = 1_000_000
        let (large, small) = (
            try await OrdersBenchmark.migrated(workplace), try await OrdersBenchmark.migrated(workplace)
        )
        try BareSQLite.fill(large + "/shop.sqlite", orders: count)
        let full = try await workplace.serve(.shopping, data: large, environment: [:])
        let empty = try await workplace.serve(.shopping, data: small, environment: [:])
        let (many, few) = (
            try OrdersBenchmark.orders(of: full, workplace), try OrdersBenchmark.orders(of: empty, workplace)
        )
        _ = (try await many(), try await few())
        var (ours, limits): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            ours.append(try await many())
            limits.append(try await few())
        }
        var waits: [(String, [Double])] = []
        for path in ["/orders?limit=50", "/orders?user_id=bench-7&limit=50", "/orders/popular-products"] {
            waits.append((path, try await milliseconds(full, .checkout, path)))
        }
        let memory = try full.child.residentMegabytes
        await full.stop()
        await empty.stop()
        report(
            Figure(
                "a million orders: orders",
                "orders/s",
                better: .higher,
                ours,
                limit: ("the same shop without them", limits)
            )
        )
        for (path, wait) in waits {
            report(Figure("… GET \(path), p99", "ms", better: .lower, [wait.percentile(99)], goal: 50))
        }
        report(Figure("… resident", "MB", better: .lower, [memory], goal: 120))
    }

    /// A thousand carts a second by a clock of the benchmark's own, each gone ten seconds later.
    static func carts(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let time = Mutex<Int64>(0)
        let store = MemoryCartStore(maximumCarts: 100_000, lifetime: 10_000) { time.withLock { $0 } }
        let part = 200_000
        var (rates, memory): ([Double], [Double]) = ([], [])
        for round in 0..<rounds + 1 {
            let begun = ContinuousClock.now
            for number in 0..<part {
                time.withLock { $0 += 1 }
                let line = Cart.Line(
                    productID: ProductID(number % 21 + 1),
                    productName: "Product",
                    price: Money(minorUnits: 999, currency: .usd),
                    quantity: 1
                )
                _ = try await store.add(line, to: CartID(rawValue: "bench-\(round)-\(number)"))
            }
            if round > 0 { rates.append(Double(part) / (ContinuousClock.now - begun).seconds) }
            memory.append(try Child.ownMegabytes)
        }
        let left = await store.state.carts ?? 0
        guard left <= 10_001 else { throw Failure("\(left) carts are left of ten seconds' worth.") }
        report(Figure("carts made and expired", "carts/s", better: .higher, rates, goal: 1_000))
        report(
            Figure(
                "… memory after a million more",
                "MB more",
                better: .lower,
                [memory[memory.count - 1] - memory[0]],
                goal: 8
            )
        )
    }

    /// A thousand connections that are kept, each with its next request as soon as it has its answer.
    static func connections(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(.services([.productCatalog]), environment: [:])
        let url = shop.url(.productCatalog, "")
        let few = try Wrk(workplace, url, get: Path.product)
        let many = try Wrk(workplace, url, connections: 1_000, get: Path.product)
        for load in [few, many] { _ = try await load.rate(seconds: 1) }
        var (ours, limits): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            ours.append(try await many.rate(seconds: 3))
            limits.append(try await few.rate(seconds: 3))
        }
        let memory = try shop.child.residentMegabytes
        await shop.stop()
        report(
            Figure(
                "1,000 connections",
                "requests/s",
                better: .higher,
                ours,
                limit: ("the same catalog on 32", limits)
            )
        )
        report(Figure("… resident", "MB", better: .lower, [memory], goal: 120))
    }

    /// How long each of some requests took, one after the other.
    private static func milliseconds(_ shop: ShopProcess, _ service: ServiceName, _ path: String) async throws
        -> [Double]
    {
        var waits: [Double] = []
        for _ in 0..<300 {
            let begun = ContinuousClock.now
            let answer = try await shop.client.send(OutgoingRequest(url: shop.url(service, path)))
            waits.append((ContinuousClock.now - begun).seconds * 1e3)
            guard answer.status == .ok else { throw Failure("\(path) was answered \(answer.status.code).") }
        }
        return waits
    }
}
