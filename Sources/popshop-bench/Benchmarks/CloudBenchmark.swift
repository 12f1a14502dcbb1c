import Foundation
import PostgresClient
import ShopAPI

/// The cloud edition: the same services on a Postgres and a Redis of the same machine, every request traced. All of them
/// are in one process, so that what is measured is the storage and not the machine's number of cores.
enum CloudBenchmark {
    private static let rounds = 5
    private static let seconds = 2

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let given = ProcessInfo.processInfo.environment
        guard let server = given["POPSHOP_TEST_POSTGRES"], let redis = given["POPSHOP_TEST_REDIS"] else {
            FileHandle.standardError.write(
                Data(
                    """
                    cloud: left out, since POPSHOP_TEST_POSTGRES and POPSHOP_TEST_REDIS name no servers \
                    (. .ci/postgres; . .ci/redis)

                    """.utf8
                )
            )
            return
        }
        let administrator = try await PostgresConnection.connect(PostgresConfiguration(url: server))
        let name = "bench_cloud_\(getpid())"
        try await administrator.executeScript("CREATE DATABASE \(name)")
        let environment = [
            "POPSHOP_STORAGE": "postgres", "POPSHOP_CARTS": "redis", "LOG_LEVEL": "error",
            "DATABASE_URL": server + (server.contains("?") ? "&" : "?") + "dbname=\(name)",
            "REDIS_URL": redis + (redis.contains("?") ? "&" : "?") + "db=15",
        ]
        let migration = try await workplace.start("popshop", ["migrate"], environment: environment)
        try await migration.wait()
        let hello = try await HelloProcess(in: workplace)
        let shop = try await workplace.serve(.shopping, environment: environment)
        for load in try loads(shop, workplace) {
            for wrk in [hello.constant, load.load] { _ = try await wrk.rate(seconds: 1) }
            var (constant, samples): ([Double], [Double]) = ([], [])
            for _ in 0..<rounds {
                constant.append(try await hello.constant.rate(seconds: seconds))
                samples.append(try await load.load.rate(seconds: seconds))
            }
            let limit = ("a constant answered by Hummingbird alone", constant)
            report(Figure(load.name, load.unit, better: .higher, samples, goal: load.goal, limit: limit))
        }
        await shop.stop()
        await hello.stop()
        try await administrator.executeScript("DROP DATABASE \(name) WITH (FORCE)")
        await administrator.close()
    }

    private struct NamedLoad {
        let name: String
        let unit: String
        let goal: Double
        let load: Wrk
    }

    private static func loads(_ shop: ShopProcess, _ workplace: Workplace) throws -> [NamedLoad] {
        [
            NamedLoad(
                name: "Postgres: catalog, one product",
                unit: "requests/s",
                goal: 4_000,
                load: try Wrk(workplace, shop.url(.productCatalog, ""), get: Path.product)
            ),
            NamedLoad(
                name: "Postgres: orders",
                unit: "orders/s",
                goal: 3_000,
                load: try Wrk(workplace, shop.url(.checkout, ""), post: Path.order, body: Path.orderBody)
            ),
            NamedLoad(
                name: "Redis: cart adds, name and price given",
                unit: "adds/s",
                goal: 8_000,
                load: try Wrk(workplace, shop.url(.cart, ""), post: Path.add, body: Path.wholeAddBody)
            ),
        ]
    }
}
