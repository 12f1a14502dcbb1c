import Commerce
import GRDB
public import Storage

extension ShopDatabase {
    /// Orders that the upstream has answered, the latest first.
    ///
    /// - Throws: `StorageError`.
    public func settledOrders(_ wanted: SettledOrders) async throws -> [SettledOrder] {
        do {
            return try await committer.read { db in
                let (condition, argument) = Self.condition(wanted)
                let sql = """
                    SELECT order_id, outcome, reason, settled_at, outcomes.traceparent, total_minor, currency,
                        order_date, orders.traceparent
                    FROM order_outcomes AS outcomes LEFT JOIN orders ON orders.id = order_id
                    \(condition)
                    """
                return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [argument]).compactMap {
                    try SettledOrder($0)
                }
            }
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    private static func condition(_ wanted: SettledOrders) -> (String, any DatabaseValueConvertible) {
        switch wanted {
        case .latest(let limit): ("ORDER BY settled_at DESC LIMIT ?", limit)
        case .refused(let limit):
            ("WHERE outcome IN ('rejected', 'quarantined') ORDER BY settled_at DESC LIMIT ?", limit)
        case .order(let id): ("WHERE order_id = ?", id.description)
        }
    }
}

extension SettledOrder {
    fileprivate init?(_ row: Row) throws {
        let reason: String? = try row.decode(atIndex: 2)
        guard let id = OrderID(try row.decode(atIndex: 0)),
            let outcome = OrderOutcome(name: try row.decode(atIndex: 1), reason: reason ?? "")
        else { return nil }
        let (minor, currency): (Int64?, String?) = try (row.decode(atIndex: 5), row.decode(atIndex: 6))
        try self.init(
            id: id,
            outcome: outcome,
            settledAt: row.decode(atIndex: 3),
            pushTraceParent: row.decode(atIndex: 4),
            total: currency.flatMap(Currency.init).flatMap { currency in
                minor.map { Money(minorUnits: $0, currency: currency) }
            },
            date: row.decode(atIndex: 7),
            purchaseTraceParent: row.decode(atIndex: 8)
        )
    }
}

extension OrderOutcome {
    fileprivate init?(name: String, reason: String) {
        switch name {
        case "accepted": self = .accepted
        case "backordered": self = .backordered
        case "rejected": self = .rejected(reason: reason)
        case "quarantined": self = .quarantined(reason: reason)
        default: return nil
        }
    }
}
