/// How many may be lent, wait, and for how long.
public struct PoolConfiguration: Hashable, Sendable {
    /// The most connections at once.
    public var size: Int
    /// The most who wait; one more is refused at once.
    public var maximumWaiting: Int
    /// How long one waits before it gives up.
    public var acquireTimeout: Duration

    public init(size: Int = 20, maximumWaiting: Int = 1024, acquireTimeout: Duration = .seconds(5)) {
        self.size = max(1, size)
        self.maximumWaiting = maximumWaiting
        self.acquireTimeout = acquireTimeout
    }
}

/// A pool at one moment.
public struct PoolStatistics: Hashable, Sendable {
    /// Lent or being opened.
    public let active: Int
    public let maximum: Int
    public let waiting: Int
    /// How many gave up waiting, ever.
    public let timeouts: Int
    /// How many were refused at once because too many waited, ever.
    public let rejected: Int
    /// How many went without a connection, ever.
    public var turnedAway: Int { timeouts + rejected }

    public init(active: Int, maximum: Int, waiting: Int, timeouts: Int, rejected: Int) {
        self.active = active
        self.maximum = maximum
        self.waiting = waiting
        self.timeouts = timeouts
        self.rejected = rejected
    }
}

/// Why no connection could be had.
public struct PoolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The two ways to be turned away.
    public enum Kind: Hashable, Sendable {
        case timeout
        case tooManyWaiting
    }

    public let kind: Kind
    public let pool: String

    public var description: String {
        switch kind {
        case .timeout: "no connection of pool \(pool) became free in time"
        case .tooManyWaiting: "too many wait for a connection of pool \(pool)"
        }
    }
}
