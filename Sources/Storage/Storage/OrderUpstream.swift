public import Commerce

/// What orders are pushed to.
public protocol OrderUpstream: Sendable {
    /// Connects, if there is no connection, and sees whether orders can be pushed there. Writes nothing.
    ///
    /// - Throws: `OrderUpstreamError`, or `CancellationError`.
    func connect() async throws

    /// Gives each order its effect once: an order that is there already, by its receipt, keeps the outcome it has. May
    /// be repeated after any failure, whatever has become of the try before.
    ///
    /// - Returns: One answer an order, in their order.
    /// - Throws: `OrderUpstreamError`, or `CancellationError`. What was done until then stands, and is found again.
    func push(_ orders: [Order]) async throws -> [PushAnswer]

    /// Hangs up. The next `connect` or `push` connects again.
    func disconnect() async
}

/// What an upstream says to one order of those that are pushed.
public enum PushAnswer: Hashable, Sendable {
    case decided(OrderOutcome)
    /// Not this one, not now: it waits, and holds up no other.
    case postponed(reason: String)

    /// Nil for one that waits.
    public var outcome: OrderOutcome? { if case .decided(let outcome) = self { outcome } else { nil } }
}

/// Why orders cannot be pushed now.
public struct OrderUpstreamError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What it takes to go on.
    public enum Remedy: Hashable, Sendable {
        /// Time. `offline` when there was no connection at all.
        case time(offline: Bool)
        /// A person: a password, a right, a schema.
        case person
    }

    public let remedy: Remedy
    /// One sentence, without a secret.
    public let description: String

    public init(_ remedy: Remedy, _ description: String) {
        self.remedy = remedy
        self.description = description
    }
}
