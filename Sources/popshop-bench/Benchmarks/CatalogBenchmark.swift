import ShopAPI

/// How many requests a second the catalog answers, traced, from its database.
enum CatalogBenchmark {
    private static let rounds = 7
    private static let seconds = 2

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let data = workplace.newPath("data")
        let shop = try await workplace.serve(.services([.productCatalog]), data: data)
        let hello = try await HelloProcess(in: workplace, database: data + "/shop.sqlite")
        let base = shop.url(.productCatalog, "")
        let loads = [
            hello.constant, hello.products, try Wrk(workplace, base, get: Path.product),
            try Wrk(workplace, base, get: Path.category),
        ]
        for load in loads { _ = try await load.rate(seconds: 1) }
        var samples = loads.map { _ in [Double]() }
        // In turns, so that what else the machine does falls on all alike.
        for _ in 0..<rounds {
            for (index, load) in loads.enumerated() { samples[index].append(try await load.rate(seconds: seconds)) }
        }
        await shop.stop()
        await hello.stop()
        let constant = ("a constant answered by Hummingbird alone", samples[0])
        let bare = ("Hummingbird executing the same statement through bare sqlite3, untraced", samples[1])
        let rows = [
            ("catalog, one product", 2, 7_500.0, bare), ("catalog, a category", 3, 5_000, constant),
            ("bare sqlite3 over HTTP", 1, nil, constant),
        ]
        for (name, index, goal, limit) in rows {
            report(
                Figure(
                    name,
                    "requests/s",
                    better: .higher,
                    samples[index],
                    goal: goal,
                    limit: limit,
                    elsewhere: index > 1 ? (Benchmarks.predecessor, 367) : nil
                )
            )
        }
    }
}
