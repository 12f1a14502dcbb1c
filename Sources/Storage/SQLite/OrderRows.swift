import Commerce
import GRDB
import ServiceTracing
import Storage

/// How an order becomes rows and rows an order.
enum OrderRows {
    static func insert(_ order: Order, into db: Database, trace: StatementTrace) throws {
        try trace.run(Statements.insertOrder, db) { statement in
            try statement.execute(arguments: [
                order.id.description, order.userID.rawValue, order.status.rawValue, order.currency.rawValue,
                order.subtotal.minorUnits, order.shipping.minorUnits, order.total.minorUnits, order.paymentStatus,
                order.date, order.edgeID, order.traceParent,
            ])
        }
        for (line, item) in order.items.enumerated() {
            try trace.run(Statements.insertItem, db) { statement in
                try statement.execute(arguments: [
                    order.id.description, line, item.productID.rawValue, item.productName, item.quantity,
                    item.unitPrice.minorUnits, item.lineTotal.minorUnits,
                ])
            }
        }
    }

    static func order(_ id: OrderID, in db: Database, trace: StatementTrace) throws -> Order? {
        let row = try trace.read(Statements.order, [id.description], db) { try Row.fetchOne($0) }
        return try row.map { try order($0, in: db, trace: trace) }
    }

    static func order(_ row: Row, in db: Database, trace: StatementTrace) throws -> Order {
        let id: String = try row.decode(atIndex: 0)
        return try order(row, items: try trace.run(Statements.items, db) { try Row.fetchAll($0, arguments: [id]) })
    }

    static func order(_ row: Row, items: [Row]) throws -> Order {
        let id: String = try row.decode(atIndex: 0)
        guard let orderID = OrderID(id), let status = Order.Status(rawValue: try row.decode(atIndex: 2)),
            let currency = Currency(rawValue: try row.decode(atIndex: 3))
        else { throw StorageError(.corrupt, "order \(id) does not read") }
        func money(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: currency) }
        return try Order(
            id: orderID,
            userID: UserID(rawValue: row.decode(atIndex: 1)),
            status: status,
            items: items.map { row in
                try Order.Item(
                    productID: ProductID(row.decode(atIndex: 0)),
                    productName: row.decode(atIndex: 1),
                    quantity: row.decode(atIndex: 2),
                    unitPrice: money(row.decode(atIndex: 3)),
                    lineTotal: money(row.decode(atIndex: 4))
                )
            },
            subtotal: money(row.decode(atIndex: 4)),
            shipping: money(row.decode(atIndex: 5)),
            total: money(row.decode(atIndex: 6)),
            paymentStatus: row.decode(atIndex: 7),
            date: row.decode(atIndex: 8),
            edgeID: row.decode(atIndex: 9),
            traceParent: row.decode(atIndex: 10)
        )
    }
}
