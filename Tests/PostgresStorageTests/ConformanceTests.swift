import ConnectionPool
import PostgresClient
import PostgresStorage
import PostgresTestSupport
import ServiceTracing
import Storage
import StorageConformance
import TestSupport
import Testing
import UpstreamStorage

extension WithPostgres {
    /// The suites of `StorageConformance` on Postgres: each case in a database of its own, copied from a migrated one.
    struct ConformanceTests {
        @Test func `Postgres keeps a catalog as every engine does`() async throws {
            try await Template.with { template in
                let failures = await CatalogConformance.suite.run { _ in try await template.shop().catalog }
                #expect(failures == [])
            }
        }

        @Test func `Postgres keeps orders as every engine does`() async throws {
            try await Template.with { template in
                let failures = await OrderConformance.suite.run { _ in
                    let shop = try await template.shop()
                    return OrderSubject(orders: shop.orders, catalog: shop.catalog, hasOutbox: false)
                }
                #expect(failures == [])
            }
        }

        @Test func `Postgres slows reads as every engine does`() async throws {
            try await Template.with { template in
                let failures = await SlowQueryConformance.suite.run { _ in
                    let shop = try await template.shop()
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
        }

        @Test func `Postgres keeps settings as every engine does`() async throws {
            try await Template.with { template in
                let failures = await SettingsConformance.suite.run { _ in
                    let shop = try await template.shop()
                    return SettingsSubject(settings: shop.database) { PostgresShop(shop.configuration) }
                }
                #expect(failures == [])
            }
        }
    }
}
