import Foundation
import HTTPClient
import HTTPTypes
import PostgresClient
import ShopAPI

/// How fast waiting orders reach a Postgres on the same machine: the whole of `popshop sync --once`, receipts, items,
/// stock and the answer written back included.
enum PushBenchmark {
    private static let orders = 10_000
    private static let repeats = 3

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let variable = "POPSHOP_TEST_POSTGRES"
        guard let server = ProcessInfo.processInfo.environment[variable] else {
            FileHandle.standardError.write(
                Data("push: left out, since \(variable) names no server (. .ci/postgres)\n".utf8)
            )
            return
        }
        let administrator = try await PostgresConnection.connect(PostgresConfiguration(url: server))
        var samples: [Double] = []
        for number in 0..<repeats {
            let name = "bench_\(getpid())_\(number)"
            try await administrator.executeScript("CREATE DATABASE \(name)")
            let rate = try await push(workplace, server + (server.contains("?") ? "&" : "?") + "dbname=\(name)")
            try await administrator.executeScript("DROP DATABASE \(name) WITH (FORCE)")
            samples.append(rate)
        }
        await administrator.close()
        report(Figure("push to a local Postgres", "orders/s", better: .higher, samples, goal: 3_000))
    }

    private static func push(_ workplace: Workplace, _ upstream: String) async throws -> Double {
        let environment = ["SYNC_DATABASE_URL": upstream, "LOG_LEVEL": "error"]
        let data = workplace.newPath("data")
        let migration = try await workplace.start("popshop", ["migrate", "--upstream"], environment: environment)
        try await migration.wait()
        let shop = try await workplace.serve(
            .services([.productCatalog, .checkout]),
            data: data,
            environment: ["LOG_LEVEL": "error"]
        )
        let url = shop.url(.checkout, "/orders/create")
        let load = Load(shop.client) { number in
            OutgoingRequest(
                method: .post,
                url: url,
                headers: [.contentType: "application/json"],
                body: Array(#"{"user_id":"bench-\#(number % 100)","product_id":\#(number % 21 + 1)}"#.utf8)
            )
        }
        _ = try await load.rate(.requests(orders))
        await shop.stop()
        let sync = try await workplace.start("popshop", ["sync", "--data-dir", data], environment: environment)
        try await sync.wait()
        let rate = Double(orders) / (ContinuousClock.now - sync.started).seconds
        try FileManager.default.removeItem(atPath: data)
        return rate
    }
}
