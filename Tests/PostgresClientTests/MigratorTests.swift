import Commerce
import Fixtures
import PostgresClient
import PostgresTestSupport
import Testing
import UpstreamStorage

extension WithPostgres {
    struct MigratorTests {
        private let steps = ["upstream/001_upstream", "upstream/seeds"]
        private let now: Int64 = 1_769_860_800_000

        @Test func `an empty database gets schema and seeds, and a second time nothing`() async throws {
            try await TestServer.withDatabase { configuration in
                let connection = try await PostgresConnection.connect(configuration)
                #expect(try await UpstreamMigrator.schemaVersion(connection) == .missing(steps))
                #expect(try await UpstreamMigrator.migrate(connection, now: now) == steps)
                #expect(try await UpstreamMigrator.schemaVersion(connection) == .current)
                try await connection.execute("UPDATE products SET stock_quantity = 1, price = 2.50 WHERE id = 1")
                try await connection.execute("DELETE FROM orders WHERE user_id = 'user-1010'")
                #expect(try await UpstreamMigrator.migrate(connection, now: now + 1) == [])
                let product = try await connection.execute("SELECT * FROM products WHERE id = 1").only()
                #expect(try product.read("stock_quantity") == 1)
                #expect(try product.read("price") == "2.50")
                #expect(try await connection.execute("SELECT count(*) AS n FROM orders").only().read("n") == 9)
                await connection.close()
            }
        }

        @Test func `the seeds are the fixtures, with fixed ids and no edge`() async throws {
            try await TestServer.withDatabase { configuration in
                let connection = try await PostgresConnection.connect(configuration)
                _ = try await UpstreamMigrator.migrate(connection, now: now)
                let products = try await connection.execute("SELECT * FROM products ORDER BY id")
                for (row, seed) in zip(products, try SeedData.products()) {
                    #expect(try row.read("id") == seed.product.id.rawValue)
                    #expect(try row.read("name") == seed.product.name)
                    #expect(try row.read("price", as: String.self) + " USD" == seed.product.price.description)
                    #expect(try row.read("stock_quantity") == seed.seededStock)
                }
                #expect(products.count == 21)
                let orders = try await connection.execute(
                    """
                    SELECT o.*, i.quantity, i.product_id FROM orders o JOIN order_items i ON i.order_id = o.id
                    ORDER BY o.id
                    """
                )
                for (row, seed) in zip(orders, try SeedData.orders()) {
                    #expect(try row.read("id") == seed.id.description)
                    #expect(try row.read("quantity") == seed.quantity)
                    #expect(try row.read("edge_id", as: String?.self) == nil)
                    let date = try row.read("order_date", as: PostgresTimestamp.self)
                    #expect(date.milliseconds == now - Int64(seed.ageHours) * 3_600_000)
                }
                #expect(orders.count == 10)
                let popular = try await connection.execute("SELECT * FROM popular_products LIMIT 1").only()
                #expect(try popular.read("id") == 1)
                #expect(try popular.read("total_orders") == 3)
                await connection.close()
            }
        }

        @Test func `two at once apply every step once`() async throws {
            try await TestServer.withDatabase { configuration in
                let taken = try await withThrowingTaskGroup(of: [String].self) { group in
                    for _ in 0..<4 {
                        group.addTask { [now] in
                            let connection = try await PostgresConnection.connect(configuration)
                            let taken = try await UpstreamMigrator.migrate(connection, now: now)
                            await connection.close()
                            return taken
                        }
                    }
                    return try await group.reduce([], +)
                }
                #expect(taken.sorted() == steps)
            }
        }

        @Test func `a newer popshop's database is refused and left as it is`() async throws {
            try await TestServer.withDatabase { configuration in
                let connection = try await PostgresConnection.connect(configuration)
                _ = try await UpstreamMigrator.migrate(connection, now: now)
                try await connection.execute("INSERT INTO popshop_migrations (name) VALUES ('upstream/002_later')")
                try await connection.execute("DELETE FROM popshop_migrations WHERE name = 'upstream/seeds'")
                let newer = UpstreamSchema.newer(["upstream/002_later"])
                #expect(try await UpstreamMigrator.schemaVersion(connection) == newer)
                await #expect(throws: UpstreamSchemaError(schema: newer)) {
                    _ = try await UpstreamMigrator.migrate(connection, now: now)
                }
                try await connection.execute("DELETE FROM popshop_migrations WHERE name = 'upstream/002_later'")
                #expect(try await UpstreamMigrator.schemaVersion(connection) == .older(["upstream/seeds"]))
                #expect(try await UpstreamMigrator.migrate(connection, now: now) == ["upstream/seeds"])
                await connection.close()
            }
        }

        @Test func `somebody else's tables stop it, and nothing is left behind`() async throws {
            try await TestServer.withDatabase { configuration in
                let connection = try await PostgresConnection.connect(configuration)
                try await connection.executeScript("CREATE VIEW popular_products AS SELECT 1 AS id")
                let error = await failure { _ = try await UpstreamMigrator.migrate(connection, now: now) }
                #expect(error?.sqlState == "42P07")
                let row = try await connection.execute("SELECT to_regclass('products') IS NULL AS none").only()
                #expect(try row.read("none") == true)
                await connection.close()
            }
        }

        @Test func `stock is never negative`() async throws {
            try await TestServer.withDatabase { configuration in
                let connection = try await PostgresConnection.connect(configuration)
                _ = try await UpstreamMigrator.migrate(connection, now: now)
                let error = await failure {
                    try await connection.execute("UPDATE products SET stock_quantity = -1 WHERE id = 1")
                }
                #expect(error?.sqlState == "23514")
                await connection.close()
            }
        }
    }
}
