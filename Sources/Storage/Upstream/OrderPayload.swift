// The property names are the columns' names.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

package import Commerce
import FoundationEssentials
import PostgresClient

/// An order as the upstream's statements read it, by `jsonb_to_recordset`.
///
/// One parameter carries a whole batch: however many orders it has, a statement is one statement.
package struct OrderPayload: Encodable {
    struct Item: Encodable {
        let product_id: Int
        let quantity: Int
        let unit_price: String
    }

    package let id: String
    let user_id: String
    let currency: String
    let subtotal: String
    let shipping: String
    let total: String
    /// Milliseconds since 1970, UTC.
    let order_date: Int64
    let edge_id: String
    let traceparent: String?
    let items: [Item]
    /// What makes the order this order, in a form that never changes: the receipt keeps its digest, and a replay by a
    /// later popshop must find the same.
    package let canonical: String
    /// Set once it is decided.
    package var outcome: String?

    package init(_ order: Order) {
        id = order.id.description
        user_id = order.userID.rawValue
        currency = order.currency.rawValue
        subtotal = order.subtotal.digits
        shipping = order.shipping.digits
        total = order.total.digits
        order_date = order.date
        edge_id = order.edgeID ?? ""
        traceparent = order.traceParent
        items = order.items.map { item in
            Item(product_id: item.productID.rawValue, quantity: item.quantity, unit_price: item.unitPrice.digits)
        }
        canonical = Self.canonical(order)
    }

    /// Version 1: every part with its length before it, so that no two orders read alike.
    private static func canonical(_ order: Order) -> String {
        var parts = ["1", order.id.description, order.edgeID ?? "", order.userID.rawValue, order.currency.rawValue]
        parts += [order.subtotal, order.shipping, order.total].map { "\($0.minorUnits)" }
        parts += ["\(order.date)", order.traceParent ?? ""]
        for item in order.items {
            parts.append("\(item.productID.rawValue),\(item.quantity),\(item.unitPrice.minorUnits)")
        }
        return parts.map { "\($0.utf8.count):\($0)" }.joined()
    }
}

extension Collection where Element == OrderPayload {
    /// The batch as one parameter.
    var parameter: PostgresValue {
        get throws { .string(String(decoding: try JSONEncoder().encode(Array(self)), as: UTF8.self)) }
    }
}

extension Money {
    /// Major units as Postgres's `numeric` reads them, exactly: `1299.99`, or `150` of a currency without decimals.
    package var digits: String { String(description.dropLast(currency.rawValue.count + 1)) }
}
