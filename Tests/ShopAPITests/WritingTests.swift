import Commerce
import FoundationEssentials
import ShopAPI
import Testing

/// What writes itself is held against `JSON.encoder`, byte for byte.
struct WritingTests {
    private static let texts = [
        "", "Laptop Pro 15\"", "a\\b/c", "tab\there", "é, 日本, 🛍️, e\u{301}", "\u{7f}\u{80}\u{2028}\u{feff}",
        String(String.UnicodeScalarView((0..<0x30).map { UnicodeScalar(UInt8($0)) })),
    ]
    private static let amounts = [
        0, 1, -1, 99, 100, 129_999, 1010, -50, Money.largest, -Money.largest, 123_456_789_012_345,
    ]

    private static func id() throws -> OrderID { try #require(OrderID("019aad2b-62fb-7a01-93c5-0f0e1d2c3b4a")) }

    private static func isTheSame(_ message: some JSONWritable) throws -> Bool {
        var text = JSONText()
        try message.write(to: &text)
        return text.bytes == Array(try JSON.encoder.encode(message))
    }

    private static func order(_ text: String, _ minorUnits: Int64, _ currency: Currency, items: Int) throws -> Order {
        let money = Money(minorUnits: minorUnits, currency: currency)
        return Order(
            id: try id(),
            userID: UserID(rawValue: text),
            status: .backordered,
            items: (0..<items).map {
                Order.Item(
                    productID: ProductID($0),
                    productName: text,
                    quantity: $0,
                    unitPrice: money,
                    lineTotal: money
                )
            },
            subtotal: money,
            shipping: money,
            total: money,
            paymentStatus: text,
            date: 1_763_840_400_123,
            edgeID: nil,
            traceParent: nil
        )
    }

    @Test("A product, and lists of none, one and two", arguments: texts, amounts)
    func products(_ text: String, _ minorUnits: Int64) throws {
        let product = Product(
            id: ProductID(21),
            name: text,
            category: text,
            price: Money(minorUnits: minorUnits, currency: .usd),
            description: text,
            stockQuantity: -3
        )
        #expect(try Self.isTheSame(ProductMessage(product)))
        for count in 0...2 { #expect(try Self.isTheSame(ProductList(Array(repeating: product, count: count)))) }
    }

    @Test("A cart", arguments: texts, amounts.filter { $0.magnitude < 1 << 40 })
    func carts(_ text: String, _ minorUnits: Int64) throws {
        for count in 0...2 {
            let lines = (0..<count).map {
                Cart.Line(
                    productID: ProductID($0 + 1),
                    productName: text,
                    price: Money(minorUnits: minorUnits, currency: .usd),
                    quantity: 2
                )
            }
            let cart = Cart(id: CartID(rawValue: text), lines: lines, updatedAt: 1_763_840_400_007)
            #expect(try Self.isTheSame(CartAnswer(cart)))
        }
    }

    @Test("An order, with a trace and without", arguments: texts, Currency.allCases)
    func orders(_ text: String, _ currency: Currency) throws {
        for items in 0...2 {
            let order = try Self.order(text, 129_999, currency, items: items)
            #expect(try Self.isTheSame(OrderAnswer(order, traceID: nil)))
            #expect(try Self.isTheSame(OrderAnswer(order, traceID: text)))
            if let answer = CreateOrderAnswer(order) { #expect(try Self.isTheSame(answer)) }
        }
    }

    @Test("What a checkout asks its neighbours, and hears", arguments: texts, amounts)
    func neighbours(_ text: String, _ minorUnits: Int64) throws {
        let money = Money(minorUnits: minorUnits, currency: .eur)
        let payment = PaymentRequest(order: try Self.id(), user: UserID(rawValue: text), amount: money)
        #expect(try Self.isTheSame(payment))
        #expect(try Self.isTheSame(PaymentAnswer(status: text, request: payment)))
        #expect(try Self.isTheSame(ConvertRequest(money, to: .jpy)))
        let yen = Money(minorUnits: minorUnits, currency: .jpy)
        #expect(try Self.isTheSame(ConvertAnswer(amount: money, converted: yen, rate: 1 / 3)))
        let parcel = ShippingRequest(weight: Double(minorUnits) / 3000, destination: .international, method: .express)
        #expect(try Self.isTheSame(parcel))
        #expect(try Self.isTheSame(ShippingAnswer(request: parcel, cost: money, days: 5...7, delivery: text)))
    }

    @Test("What no number of JSON's is, is refused", arguments: [Double.nan, .infinity, -.infinity])
    func noNumber(_ value: Double) {
        let parcel = ShippingRequest(weight: value, destination: .domestic, method: .standard)
        #expect(throws: EncodingError.self) { try JSON.bytes(parcel) }
    }

    @Test("A message that does not write itself is encoded")
    func encoded() throws {
        let list = CategoryList([CategoryList.Category(name: "kitchen", count: 3)])
        #expect(try JSON.bytes(list) == Array(#"{"categories":[{"count":3,"name":"kitchen"}],"count":1}"#.utf8))
    }
}

struct TimestampTests {
    @Test(
        "Milliseconds as text, and back",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_763_840_400_123, "2025-11-22T19:40:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func text(_ milliseconds: Int64, _ expected: String) {
        #expect(Timestamp.text(milliseconds) == expected)
        #expect(Timestamp.milliseconds(expected) == milliseconds)
    }
}
