import HTTPClient
import ShopAPI

/// How many requests a second the catalog answers, traced, from its database.
enum CatalogBenchmark {
    private static let rounds = 7
    private static let round = Duration.seconds(2)

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let hello = try await HelloProcess(in: workplace)
        let shop = try await workplace.serve(.services([.productCatalog]))
        let base = shop.url(.productCatalog, "/products")
        let categories = ["electronics", "furniture", "appliances", "sports", "kitchen"]
        let loads = [
            hello.load,
            Load(shop.client) { OutgoingRequest(url: "\(base)/\($0 % 21 + 1)") },
            Load(shop.client) { OutgoingRequest(url: "\(base)?category=\(categories[$0 % 5])") },
        ]
        for load in loads { _ = try await load.rate(.duration(.seconds(1))) }
        var samples: [[Double]] = [[], [], []]
        // In turns, so that what else the machine does falls on all alike.
        for _ in 0..<rounds {
            for (index, load) in loads.enumerated() { samples[index].append(try await load.rate(.duration(round))) }
        }
        await shop.stop()
        await hello.stop()
        for (index, name) in [(1, "catalog, one product"), (2, "catalog, a category")] {
            report(
                Figure(
                    name,
                    "requests/s",
                    better: .higher,
                    samples[index],
                    goal: 5_000,
                    limit: ("a constant answered by Hummingbird alone", samples[0]),
                    elsewhere: (Benchmarks.predecessor, 367)
                )
            )
        }
    }
}
