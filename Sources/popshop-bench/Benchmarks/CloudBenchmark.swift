import Foundation
import HTTPClient
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
        let database = server + (server.contains("?") ? "&" : "?") + "dbname=\(name)"
        // Over TCP the database is the path's, and as it was given.
        let carts = redis.hasPrefix("redis://") ? redis : redis + (redis.contains("?") ? "&" : "?") + "db=15"
        let environment = [
            "POPSHOP_STORAGE": "postgres", "POPSHOP_CARTS": "redis", "LOG_LEVEL": "error",
            "DATABASE_URL": database, "REDIS_URL": carts,
        ]
        let migration = try await workplace.start("popshop", ["migrate"], environment: environment)
        try await migration.wait()
        let shop = try await workplace.serve(.shopping, environment: environment)
        for path in try await paths(shop, workplace, database: database, carts: carts) {
            _ = (try await path.limit(1), try await path.load.rate(seconds: 1))
            var (limits, samples): ([Double], [Double]) = ([], [])
            for _ in 0..<rounds {
                limits.append(try await path.limit(seconds))
                samples.append(try await path.load.rate(seconds: seconds))
            }
            let limit = (path.limitName, limits)
            report(Figure(path.name, path.unit, better: .higher, samples, goal: path.goal, limit: limit))
        }
        await shop.stop()
        try await administrator.executeScript("DROP DATABASE \(name) WITH (FORCE)")
        await administrator.close()
    }

    private struct MeasuredPath {
        let name: String
        let unit: String
        let goal: Double
        let load: Wrk
        let limitName: String
        /// Measures for so many seconds what the storage alone does at most.
        let limit: (Int) async throws -> Double
    }

    /// - Parameters:
    ///   - database: the URL of the shop's own database.
    ///   - carts: the URL of the Redis that its carts are in.
    private static func paths(
        _ shop: ShopProcess,
        _ workplace: Workplace,
        database: String,
        carts: String
    ) async throws -> [MeasuredPath] {
        let adds = try Wrk(workplace, shop.url(.cart, ""), post: Path.add, body: Path.wholeAddBody)
        _ = try await adds.rate(seconds: 1)
        let bareRedis = try await BareRedis(carts) {
            let body = #"{"product_id":1,"product_name":"Product","price":9.99}"#
            _ = try await shop.client.send(.post(shop.url(.cart, "/cart/bench-0/add"), body))
        }
        return [
            MeasuredPath(
                name: "Postgres: catalog, one product",
                unit: "requests/s",
                goal: 4_000,
                load: try Wrk(workplace, shop.url(.productCatalog, ""), get: Path.product),
                limitName: "the same statement by bare libpq, as many connections, no HTTP",
                limit: { try await BarePostgres.productRate(database, seconds: $0) }
            ),
            MeasuredPath(
                name: "Postgres: orders",
                unit: "orders/s",
                goal: 3_000,
                load: try Wrk(workplace, shop.url(.checkout, ""), post: Path.order, body: Path.orderBody),
                limitName: "the same statements by bare libpq, 2 connections, 16 orders a transaction, no HTTP",
                limit: { try await BarePostgres.orderRate(database, seconds: $0) }
            ),
            MeasuredPath(
                name: "Redis: cart adds, name and price given",
                unit: "adds/s",
                goal: 8_000,
                load: adds,
                limitName: "the same command by bare hiredis, as many connections, no HTTP",
                limit: { try await bareRedis.addRate(seconds: $0) }
            ),
        ]
    }
}
