import Commerce
import FoundationEssentials
import PostgresClient
import Storage
import UpstreamStorage

/// How an order becomes rows and rows an order.
struct OrderRows: Sendable {
    let statements: ShopStatements
    let pool: TracedPool

    /// An order by its id, in one exchange.
    func order(_ id: OrderID, _ connection: PostgresConnection) async throws -> Order? {
        let answers = try await pool.run(
            [
                (statements.order, [.uuid(id.description)]),
                (statements.items, [.string("{\(id.description)}")]),
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
            [(statements.items, [.string("{\(ids.joined(separator: ","))}")])],
            pool.tracer
        )[0]
        var lines: [String: [PostgresRow]] = [:]
        for item in items { lines[try item.read("order_id"), default: []].append(item) }
        return try zip(rows, ids).map { try Self.order($0, lines[$1] ?? []) }
    }

    /// What writes an order and its items.
    func inserts(_ order: Order) throws -> [TracedPool.Step] {
        let items = order.items.enumerated().map { Item(line: $0, $1) }
        return [
            (
                statements.insertOrder,
                [
                    .uuid(order.id.description), .string(order.userID.rawValue), .string(order.status.rawValue),
                    .string(order.currency.rawValue), .decimal(order.subtotal.digits), .decimal(order.shipping.digits),
                    .decimal(order.total.digits), .string(order.paymentStatus),
                    .timestamp(PostgresTimestamp(milliseconds: order.date)),
                    .optional(order.edgeID, PostgresValue.string), .optional(order.traceParent, PostgresValue.string),
                ]
            ),
            (
                statements.insertItems,
                [
                    .uuid(order.id.description),
                    .string(String(decoding: try JSONEncoder().encode(items), as: UTF8.self)),
                ]
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

/// An item as `jsonb_to_recordset` reads it.
private struct Item: Encodable {
    let line: Int
    let productID: Int
    let productName: String
    let quantity: Int
    let unitPrice: String
    let lineTotal: String

    init(line: Int, _ item: Order.Item) {
        self.line = line
        productID = item.productID.rawValue
        productName = item.productName
        quantity = item.quantity
        unitPrice = item.unitPrice.digits
        lineTotal = item.lineTotal.digits
    }

    enum CodingKeys: String, CodingKey {
        case line, quantity
        case productID = "product_id"
        case productName = "product_name"
        case unitPrice = "unit_price"
        case lineTotal = "line_total"
    }
}
