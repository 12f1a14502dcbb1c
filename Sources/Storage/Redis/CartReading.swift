import Commerce
import RedisClient
import Storage

/// The hash is none of a cart.
struct UnreadableCart: Error {}

extension Cart {
    /// Reads the answer of HGETALL.
    ///
    /// - Parameter now: When an empty cart was last changed, in milliseconds since 1970.
    /// - Throws: `RedisError.Code.decoding`, `UnreadableCart`.
    init(_ id: CartID, hash: RedisReply, now: Int64) throws {
        let fields = try hash.asArray()
        var lines: [(place: Int, line: Cart.Line)] = []
        var updatedAt = now
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            let name = String(decoding: try fields[index].asBytes(), as: UTF8.self)
            let value = String(decoding: try fields[index + 1].asBytes(), as: UTF8.self)
            switch name {
            case "next": continue
            case "at": updatedAt = try Int64(value).orUnreadable()
            default: lines.append(try Self.line(name, value))
            }
        }
        lines.sort { $0.place < $1.place }
        self.init(id: id, lines: lines.map(\.line), updatedAt: updatedAt)
    }

    private static func line(_ product: String, _ value: String) throws(UnreadableCart) -> (Int, Cart.Line) {
        let parts = value.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5 else { throw UnreadableCart() }
        let price = Money(
            minorUnits: try Int64(parts[2]).orUnreadable(),
            currency: try Currency(rawValue: String(parts[3])).orUnreadable()
        )
        let line = Cart.Line(
            productID: ProductID(try Int(product).orUnreadable()),
            productName: String(parts[4]),
            price: price,
            quantity: try Int(parts[1]).orUnreadable()
        )
        return (try Int(parts[0]).orUnreadable(), line)
    }
}

extension Optional {
    fileprivate func orUnreadable() throws(UnreadableCart) -> Wrapped {
        guard let self else { throw UnreadableCart() }
        return self
    }
}

/// The script's answer.
struct ScriptAnswer {
    let cart: Cart
    let refusal: CartError?

    init(_ id: CartID, _ reply: RedisReply, now: Int64) throws {
        let parts = try reply.asArray()
        guard parts.count == 2 else { throw UnreadableCart() }
        switch try parts[0].asInteger() {
        case 0: refusal = nil
        case 1: refusal = .tooMany
        case 2: refusal = .tooManyLines
        default: throw UnreadableCart()
        }
        cart = try Cart(id, hash: parts[1], now: now)
    }
}
