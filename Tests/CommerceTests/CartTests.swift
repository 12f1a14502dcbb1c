import Commerce
import Testing

struct CartTests {
    @Test("Adding joins lines of one product and keeps the order of the first adds")
    func adding() throws {
        var cart = empty
        for (product, quantity) in [(3, 1), (1, 2), (3, 4)] { try cart.add(line(product, quantity)) }
        #expect(cart.lines == [line(3, 5), line(1, 2)])
        #expect(try cart.total() == Money(minorUnits: 7000, currency: .usd))
    }

    @Test(
        "A quantity outside of the range is refused whatever is there already",
        arguments: [0, -1, 10_001, .max, .min]
    )
    func quantities(quantity: Int) throws {
        var cart = empty
        #expect(throws: CartError.tooMany) { try cart.add(line(1, quantity)) }
        try cart.add(line(1, 5))
        let before = cart
        #expect(throws: CartError.tooMany) { try cart.add(line(1, quantity)) }
        #expect(cart == before)
    }

    @Test("A line is full at ten thousand")
    func fullLine() throws {
        var cart = empty
        try cart.add(line(1, 9999))
        try cart.add(line(1, 1))
        #expect(throws: CartError.tooMany) { try cart.add(line(1, 1)) }
        #expect(cart.lines == [line(1, 10_000)])
    }

    @Test("A cart is full at a hundred lines, but takes more of those")
    func fullCart() throws {
        var cart = empty
        for product in 1...100 { try cart.add(line(product, 1)) }
        #expect(throws: CartError.tooManyLines) { try cart.add(line(101, 1)) }
        try cart.add(line(50, 1))
        #expect(cart.lines.count == 100 && cart.lines[49].quantity == 2)
    }

    @Test("A total that money cannot be is refused")
    func totalOverflow() {
        let price = Money(minorUnits: Money.largest, currency: .usd)
        let lines = (1...2).map {
            Cart.Line(productID: ProductID($0), productName: "", price: price, quantity: 1)
        }
        let cart = Cart(id: CartID(rawValue: "c"), lines: lines, updatedAt: 0)
        #expect(throws: MoneyError.outOfRange) { try cart.total() }
    }

    @Test(
        "Names of clients are 1 to 128 bytes of text",
        arguments: [
            ("a", true), (String(repeating: "x", count: 128), true), (String(repeating: "x", count: 129), false),
            ("", false), ("a\u{0}b", false), ("a\nb", false), ("\u{7f}", false), ("商品 🎧", true),
            (String(repeating: "é", count: 65), false), (" ", true),
        ]
    )
    func names(name: String, isValid: Bool) {
        #expect(ClientName.isValid(name) == isValid)
    }

    private var empty: Cart { Cart(id: CartID(rawValue: "c"), updatedAt: 0) }

    private func line(_ product: Int, _ quantity: Int) -> Cart.Line {
        Cart.Line(
            productID: ProductID(product),
            productName: "Product \(product)",
            price: Money(minorUnits: 1000, currency: .usd),
            quantity: quantity
        )
    }
}
