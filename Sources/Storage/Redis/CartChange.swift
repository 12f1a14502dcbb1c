public import Commerce
public import Storage

/// One change to a cart, with an id by which it has its effect once, however often it is sent.
public struct CartChange: Hashable, Sendable {
    /// What is done.
    public enum Kind: Hashable, Sendable {
        case add(Cart.Line)
        case remove(ProductID)
        case take([Cart.Pieces])
        case clear
    }

    /// Unique among the changes to its cart; not empty.
    public let id: String
    public let kind: Kind

    public init(_ kind: Kind, id: String = newID()) {
        self.id = id
        self.kind = kind
    }

    /// 128 random bits in hex.
    public static func newID() -> String {
        let halves = [UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)]
        return halves.map { String($0, radix: 16) }.joined(separator: "-")
    }
}

/// What became of changes that were sent together.
public struct ReplayOutcome: Hashable, Sendable {
    /// The cart after the last of them; nil where it cannot be told.
    public var cart: Cart?
    /// How many can never be applied: the cart would be too large, or its key holds something else.
    public var refused: Int

    public init(cart: Cart?, refused: Int) {
        self.cart = cart
        self.refused = refused
    }
}

/// A store in which a change that is repeated counts once.
public protocol RepeatableCartStore: CartStore {
    /// Applies a change, unless it was applied before. The cart as it is then.
    ///
    /// - Throws: `CartError` when it would be too large; `StorageError`, after which the change may have been applied,
    ///   or may be yet; `CancellationError`, when it was not sent.
    func apply(_ change: CartChange, to id: CartID) async throws -> Cart

    /// Applies changes in their order, those apart that were applied before.
    ///
    /// - Throws: `StorageError`, after which any of them may have been applied; `CancellationError`.
    func replay(_ changes: [CartChange], to id: CartID) async throws -> ReplayOutcome

    /// Whether it answers.
    ///
    /// - Throws: `StorageError` when it does not; `CancellationError`.
    func ping() async throws
}
