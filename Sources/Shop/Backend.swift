import Commerce
import ConnectionPool
import Faults
import Logging
import PostgresClient
import PostgresStorage
import SQLiteStorage
import ServiceKit
import ServiceTracing
import ShopAPI
import Storage

/// What keeps the shop's products, orders and settings: one of the engines, as the services need it.
protocol Backend: Sendable {
    /// The shop's own name upstream; nil where there is no upstream to tell shops apart.
    var edgeID: String? { get }
    var settings: any SettingsStore { get }
    var scanTable: any ScanTable { get }

    /// A service's own stores, over a pool of its own.
    func stores(_ faults: ServiceFaults, _ pool: PoolConfiguration, _ tracer: ServiceTracer) -> ServiceStores

    /// What waits for the upstream.
    ///
    /// - Parameter tracer: Shows what is written.
    /// - Throws: `Refusal` when it cannot be read.
    func outbox(_ tracer: ServiceTracer) throws(Refusal) -> any OrderOutbox

    func outboxCounts() async throws -> OutboxCounts

    /// Orders that the upstream has answered, the latest first.
    func settledOrders(_ wanted: SettledOrders) async throws -> [SettledOrder]

    /// Finishes what is under way and closes.
    func close() async throws
}

/// What one service reads and writes with.
struct ServiceStores: Sendable {
    let catalog: any CatalogStore
    let orders: any OrderStore
    let pool: @Sendable () -> PoolStats.Pool
    let leases: PoolLeases
}

/// One process's own file.
struct SQLiteBackend: Backend {
    let database: ShopDatabase
    var edgeID: String? { database.edgeID }
    var settings: any SettingsStore { database }
    var scanTable: any ScanTable { database }

    func stores(_ faults: ServiceFaults, _ pool: PoolConfiguration, _ tracer: ServiceTracer) -> ServiceStores {
        let readers = database.readers(faults.service, pool)
        return ServiceStores(
            catalog: SQLiteCatalogStore(database: database, readers: readers, tracer: tracer, faults: faults),
            orders: SQLiteOrderStore(database: database, readers: readers, tracer: tracer, faults: faults),
            pool: { PoolStats.Pool(readers.statistics) },
            leases: PoolLeases(size: pool.size, acquireTimeout: pool.acquireTimeout) {
                let lease = try await readers.lease()
                return { lease.release() }
            }
        )
    }

    func outbox(_ tracer: ServiceTracer) throws(Refusal) -> any OrderOutbox {
        try Shop.openOutbox(database, tracer)
    }

    func outboxCounts() async throws -> OutboxCounts { try await database.outboxCounts() }
    func settledOrders(_ wanted: SettledOrders) async throws -> [SettledOrder] {
        try await database.settledOrders(wanted)
    }
    func close() async throws { try await database.close() }
}

/// A server that all processes of a shop share.
struct PostgresBackend: Backend {
    let database: PostgresShop
    let edgeID: String? = nil
    var settings: any SettingsStore { database }
    var scanTable: any ScanTable { database }

    func stores(_ faults: ServiceFaults, _ pool: PoolConfiguration, _ tracer: ServiceTracer) -> ServiceStores {
        let connections = database.pool(faults.service, pool)
        return ServiceStores(
            catalog: PostgresCatalogStore(database, pool: connections, tracer: tracer, faults: faults),
            orders: PostgresOrderStore(database, pool: connections, tracer: tracer, faults: faults),
            pool: { PoolStats.Pool(connections.statistics) },
            leases: PoolLeases(size: pool.size, acquireTimeout: pool.acquireTimeout) { try await connections.hold() }
        )
    }

    func outbox(_ tracer: ServiceTracer) -> any OrderOutbox { NoOrders() }
    func outboxCounts() -> OutboxCounts { OutboxCounts() }
    func settledOrders(_ wanted: SettledOrders) -> [SettledOrder] { [] }
    func close() async { await database.close() }
}

/// Where no order ever waits.
struct NoOrders: OrderOutbox {
    func pending(limit: Int, passing passed: [OrderID]) -> [PendingOrder] { [] }
    func pending(among ids: [OrderID]) -> [PendingOrder] { [] }
    func settle(_ settlements: [OrderSettlement]) {}
    func outboxCounts() -> OutboxCounts { OutboxCounts() }
}

extension PoolStats.Pool {
    fileprivate init(_ statistics: PoolStatistics) {
        self.init(active: statistics.active, maximum: statistics.maximum, waiting: statistics.waiting)
    }
}
