/// A purchase.
public struct Order: Hashable, Sendable {
    /// One product in an order, at the price of the moment, in the order's currency.
    public struct Item: Hashable, Sendable {
        public let productID: ProductID
        public let productName: String
        public let quantity: Int
        public let unitPrice: Money
        public let lineTotal: Money

        public init(productID: ProductID, productName: String, quantity: Int, unitPrice: Money, lineTotal: Money) {
            self.productID = productID
            self.productName = productName
            self.quantity = quantity
            self.unitPrice = unitPrice
            self.lineTotal = lineTotal
        }
    }

    /// What has become of it. The last three are the upstream's answer.
    public enum Status: String, CaseIterable, Codable, Hashable, Sendable {
        case placed, accepted, backordered, rejected
    }

    public let id: OrderID
    public let userID: UserID
    public let status: Status
    public let items: [Item]
    public let subtotal: Money
    public let shipping: Money
    public let total: Money
    public let paymentStatus: String
    /// Milliseconds since 1970, UTC.
    public let date: Int64
    /// The shop that took it, told apart upstream; nil for seed data.
    public let edgeID: String?
    /// The purchase's own trace, so that what is done with it hours later can be linked to it.
    public let traceParent: String?

    /// All amounts are in this currency.
    public var currency: Currency { total.currency }

    public init(
        id: OrderID,
        userID: UserID,
        status: Status,
        items: [Item],
        subtotal: Money,
        shipping: Money,
        total: Money,
        paymentStatus: String,
        date: Int64,
        edgeID: String?,
        traceParent: String?
    ) {
        self.id = id
        self.userID = userID
        self.status = status
        self.items = items
        self.subtotal = subtotal
        self.shipping = shipping
        self.total = total
        self.paymentStatus = paymentStatus
        self.date = date
        self.edgeID = edgeID
        self.traceParent = traceParent
    }
}
