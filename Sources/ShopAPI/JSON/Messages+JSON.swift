import Commerce

// Fields in the order of their names, as `JSON.encoder` sorts them; `WritingTests` holds each against it.

extension CartAnswer: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("cart", cart)
            text.field("cart_id", cart_id)
            text.field("success", success)
        }
    }
}

extension CartAnswer.Contents: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("items", items)
            try text.field("total", total)
            text.field("updated_at", updated_at)
        }
    }
}

extension CartAnswer.Item: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("price", price)
            text.field("product_id", product_id)
            text.field("product_name", product_name)
            text.field("quantity", quantity)
        }
    }
}

extension ProductMessage: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            text.field("category", category)
            text.field("description", description)
            text.field("id", id)
            text.field("name", name)
            try text.field("price", price)
            text.field("stock_quantity", stock_quantity)
        }
    }
}

extension ProductList: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            text.field("count", count)
            try text.field("products", products)
        }
    }
}

extension OrderAnswer: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            text.field("currency", currency.rawValue)
            try text.field("items", items)
            text.field("order_date", order_date)
            text.field("order_id", order_id)
            try text.field("payment", payment)
            try text.field("shipping", shipping)
            text.field("status", status.rawValue)
            try text.field("subtotal", subtotal)
            text.field("success", success)
            try text.field("total", total)
            text.field("trace_id", trace_id)
            text.field("user_id", user_id)
        }
    }
}

extension OrderAnswer.Item: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("line_total", line_total)
            text.field("product_id", product_id)
            text.field("product_name", product_name)
            text.field("quantity", quantity)
            try text.field("unit_price", unit_price)
        }
    }
}

extension OrderAnswer.Payment: JSONWritable {
    public func write(to text: inout JSONText) {
        text.object { $0.field("status", status) }
    }
}

extension CreateOrderAnswer: JSONWritable {
    public func write(to text: inout JSONText) {
        text.object { text in
            text.field("order_date", order_date)
            text.field("order_id", order_id)
            text.field("product_id", product_id)
            text.field("quantity", quantity)
            text.field("success", success)
            text.field("user_id", user_id)
        }
    }
}

extension PaymentRequest: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("amount", amount)
            text.field("currency", currency.rawValue)
            text.field("order_id", order_id)
            text.field("user_id", user_id)
        }
    }
}

extension PaymentAnswer: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("amount", amount)
            text.field("currency", currency.rawValue)
            text.field("order_id", order_id)
            text.field("status", status)
        }
    }
}

extension ConvertRequest: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("amount", amount)
            text.field("from", from.rawValue)
            text.field("to", to.rawValue)
        }
    }
}

extension ConvertAnswer: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("amount", amount)
            try text.field("converted", converted)
            text.field("from", from.rawValue)
            try text.field("rate", rate)
            text.field("to", to.rawValue)
        }
    }
}

extension ShippingRequest: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            text.field("destination", destination.rawValue)
            text.field("method", method.rawValue)
            try text.field("weight", weight)
        }
    }
}

extension ShippingAnswer: JSONWritable {
    public func write(to text: inout JSONText) throws {
        try text.object { text in
            try text.field("cost", cost)
            text.field("destination", destination.rawValue)
            text.field("estimated_days", estimated_days)
            text.field("estimated_delivery", estimated_delivery)
            text.field("method", method.rawValue)
            try text.field("weight", weight)
        }
    }
}
