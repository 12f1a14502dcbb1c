import Commerce
public import Storage

/// A store of carts, and the hand on its clock.
public struct CartSubject: Sendable {
    public let carts: any CartStore
    /// Lets this many milliseconds pass; an engine that cannot skips *a cart is gone after a day without use*.
    public let advance: (@Sendable (_ milliseconds: Int64) async throws -> Void)?

    public init(carts: any CartStore, advance: (@Sendable (_ milliseconds: Int64) async throws -> Void)?) {
        self.carts = carts
        self.advance = advance
    }
}

/// What every `CartStore` does.
public enum CartConformance {
    public static let suite = ConformanceSuite<CartSubject>([
        .init(name: "a cart never seen is empty") { subject in
            let cart = try await subject.carts.cart(id)
            try expectEqual(cart.lines, [], "its lines")
            try expectEqual(cart.id, id, "its id")
            try expectEqual(try await subject.carts.remove(ProductID(1), from: id).lines, [], "after a removal")
            try expectEqual(try await subject.carts.clear(id).lines, [], "after clearing")
        },
        .init(name: "lines are kept in the order they were first added") { subject in
            for product in [3, 1, 2, 1] { _ = try await subject.carts.add(line(product), to: id) }
            let cart = try await subject.carts.cart(id)
            try expectEqual(cart.lines, [line(3), line(1, quantity: 2), line(2)], "the lines")
            try expectEqual(try cart.total(), Money(minorUnits: 4000, currency: .usd), "the total")
        },
        .init(name: "concurrent adds to one cart all count") { subject in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask { _ = try await subject.carts.add(line(1 + index % 4), to: id) }
                }
                try await group.waitForAll()
            }
            let lines = try await subject.carts.cart(id).lines.sorted { $0.productID < $1.productID }
            try expectEqual(lines, (1...4).map { line($0, quantity: 50) }, "the lines")
        },
        .init(name: "removing takes one product's line") { subject in
            for product in 1...3 { _ = try await subject.carts.add(line(product), to: id) }
            let left = try await subject.carts.remove(ProductID(2), from: id)
            try expectEqual(left.lines, [line(1), line(3)], "what is left")
            try expectEqual(
                try await subject.carts.remove(ProductID(99), from: id).lines,
                left.lines,
                "after a stranger"
            )
            try expectEqual(try await subject.carts.cart(id).lines, left.lines, "what is stored")
        },
        .init(name: "what is taken out leaves what was added since, and a cart of which all is taken is empty") {
            subject in
            for (product, quantity) in [(1, 3), (2, 1), (3, 2)] {
                _ = try await subject.carts.add(line(product, quantity: quantity), to: id)
            }
            let pieces = [(1, 2), (2, 1), (3, 9), (4, 1)].map { Cart.Pieces(productID: ProductID($0), quantity: $1) }
            let left = try await subject.carts.take(pieces, from: id)
            try expectEqual(left.lines, [line(1)], "what is left")
            try expectEqual(try await subject.carts.cart(id).lines, left.lines, "what is stored")
            try expectEqual(try await subject.carts.take([pieces[3]], from: id).lines, left.lines, "after a stranger")
            try expectEqual(try await subject.carts.take([pieces[0]], from: id).lines, [], "when the last is taken")
            try expectEqual(try await subject.carts.add(line(2), to: id).lines, [line(2)], "the cart used again")
        },
        .init(name: "clearing empties one cart and no other") { subject in
            let other = CartID(rawValue: "other")
            _ = try await subject.carts.add(line(1), to: id)
            _ = try await subject.carts.add(line(2), to: other)
            try expectEqual(try await subject.carts.clear(id).lines, [], "the answer")
            try expectEqual(try await subject.carts.cart(id).lines, [], "the cart")
            try expectEqual(try await subject.carts.cart(other).lines, [line(2)], "the other cart")
            try expectEqual(try await subject.carts.add(line(3), to: id).lines, [line(3)], "the cart used again")
        },
        .init(name: "ids that look like something else are ids") { subject in
            let names = ["a b", "a*", "{cart}", "' OR 1=1 --", "Ünïcode 商", "a:b", "..", "A B", "a%20b", "a\u{301}"]
            for (index, name) in names.enumerated() {
                _ = try await subject.carts.add(line(index + 1), to: CartID(rawValue: name))
            }
            for (index, name) in names.enumerated() {
                let cart = try await subject.carts.cart(CartID(rawValue: name))
                try expectEqual(cart.lines, [line(index + 1)], "the cart \(name)")
            }
        },
        .init(name: "a line has a largest quantity, and a refused add changes nothing") { subject in
            let most = Quantity.range.upperBound
            _ = try await subject.carts.add(line(1, quantity: most), to: id)
            for quantity in [1, most, Int.max, 0, -1, Int.min] {
                try await expectThrown(CartError.tooMany) {
                    try await subject.carts.add(line(1, quantity: quantity), to: id)
                }
            }
            try await expectThrown(CartError.tooMany) {
                try await subject.carts.add(line(2, quantity: most + 1), to: id)
            }
            try expectEqual(try await subject.carts.cart(id).lines, [line(1, quantity: most)], "the lines")
        },
        .init(name: "a cart has a largest number of lines, and takes more of those it has") { subject in
            for product in 1...Cart.maximumLines { _ = try await subject.carts.add(line(product), to: id) }
            try await expectThrown(CartError.tooManyLines) {
                try await subject.carts.add(line(Cart.maximumLines + 1), to: id)
            }
            let cart = try await subject.carts.add(line(1), to: id)
            try expectEqual(cart.lines.count, Cart.maximumLines, "the number of lines")
            try expectEqual(cart.lines.first?.quantity, 2, "the first line's quantity")
        },
        .init(name: "a cart is gone after a day without use") { subject in
            let advance = try some(subject.advance, "clock to turn")
            let (used, unused) = (CartID(rawValue: "used"), CartID(rawValue: "unused"))
            for cart in [used, unused] { _ = try await subject.carts.add(line(1), to: cart) }
            let hour: Int64 = 3_600_000
            try await advance(23 * hour)
            _ = try await subject.carts.add(line(2), to: used)
            try expectEqual(try await subject.carts.cart(unused).lines, [line(1)], "the unused cart after 23 h")
            try await advance(1 * hour + 1000)
            try expectEqual(try await subject.carts.cart(unused).lines, [], "the unused cart after 24 h")
            try expectEqual(try await subject.carts.cart(used).lines, [line(1), line(2)], "the used cart")
            try await advance(24 * hour)
            try expectEqual(try await subject.carts.cart(used).lines, [], "the used cart a day after its last use")
        },
    ])

    private static let id = CartID(rawValue: "cart-1")

    private static func line(_ product: Int, quantity: Int = 1) -> Cart.Line {
        Cart.Line(
            productID: ProductID(product),
            productName: "Product \(product)",
            price: Money(minorUnits: 1000, currency: .usd),
            quantity: quantity
        )
    }
}
