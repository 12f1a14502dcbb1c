import Commerce
import PostgresClient
import ServiceTracing
import Storage
import Tracing
import UpstreamStorage

/// How an order becomes rows and rows an order.
struct OrderRows: Sendable {
    let statements: ShopStatements
    let pool: TracedPool

    /// An order by its id, in one exchange.
    func order(_ id: OrderID, _ connection: PostgresConnection) async throws -> Order? {
        let answers = try await pool.run(
            [
                TracedStep(statements.order, [.uuid(id.description)]),
                TracedStep(statements.items, [.array([id.description])]),
            ],
            on: connection
        )
        return try answers[0].first.map { try Self.order($0, Array(answers[1])) }
    }

    /// The items of orders, and the orders with them.
    func orders(_ rows: PostgresRows, _ connection: PostgresConnection) async throws -> [Order] {
        guard !rows.isEmpty else { return [] }
        var ids: [String] = []
        for row in rows { ids.append(try row.read("id")) }
        let items = try await connection.pipeline(
            [TracedStep(statements.items, [.array(ids)])],
            pool.tracer
        )[0]
        var lines: [String: [PostgresRow]] = [:]
        for item in items { lines[try item.read("order_id"), default: []].append(item) }
        return try zip(rows, ids).map { try Self.order($0, lines[$1] ?? []) }
    }

    /// What writes orders and their items, a statement for all of each.
    func inserts(_ orders: [Order], for contexts: [InstrumentationContext?]) -> [TracedStep] {
        let lines = orders.flatMap { order in order.items.enumerated().map { (order.id, $0, $1) } }
        return [
            TracedStep(
                statements.insertOrders,
                [
                    .array(orders.map(\.id.description)), .array(orders.map(\.userID.rawValue)),
                    .array(orders.map(\.status.rawValue)), .array(orders.map(\.currency.rawValue)),
                    .array(orders.map(\.subtotal.digits)), .array(orders.map(\.shipping.digits)),
                    .array(orders.map(\.total.digits)), .array(orders.map(\.paymentStatus)),
                    .array(orders.map { PostgresTimestamp(milliseconds: $0.date).text }),
                    .array(orders.map(\.edgeID)), .array(orders.map(\.traceParent)),
                ],
                for: contexts
            ),
            TracedStep(
                statements.insertItems,
                [
                    .array(lines.map(\.0.description)), .array(lines.map(\.1)),
                    .array(lines.map(\.2.productID.rawValue)), .array(lines.map(\.2.productName)),
                    .array(lines.map(\.2.quantity)), .array(lines.map(\.2.unitPrice.digits)),
                    .array(lines.map(\.2.lineTotal.digits)),
                ],
                for: contexts
            ),
        ]
    }

    private static func order(_ row: PostgresRow, _ items: [PostgresRow]) throws -> Order {
        let (id, state): (String, String) = (try row.read("id"), try row.read("status"))
        guard let orderID = OrderID(id), let status = Order.Status(rawValue: state),
            let currency = Currency(rawValue: try row.read("currency"))
        else { throw StorageError(.corrupt, "order \(id) does not read") }
        return Order(
            id: orderID,
            userID: UserID(rawValue: try row.read("user_id")),
            status: status,
            items: try items.map { try item($0, currency) },
            subtotal: try Money(row: row, "subtotal", currency),
            shipping: try Money(row: row, "shipping", currency),
            total: try Money(row: row, "total", currency),
            paymentStatus: try row.read("payment_status"),
            date: try row.read("order_date", as: PostgresTimestamp.self).milliseconds,
            edgeID: try row.read("edge_id"),
            traceParent: try row.read("traceparent")
        )
    }

    private static func item(_ row: PostgresRow, _ currency: Currency) throws -> Order.Item {
        Order.Item(
            productID: ProductID(try row.read("product_id")),
            productName: try row.read("product_name"),
            quantity: try row.read("quantity"),
            unitPrice: try Money(row: row, "unit_price", currency),
            lineTotal: try Money(row: row, "line_total", currency)
        )
    }
}
