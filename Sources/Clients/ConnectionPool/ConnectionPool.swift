import DequeModule
import Synchronization

/// Lends a bounded number of connections, made when first needed, to waiters in the order they came.
///
/// Everything is bounded: the connections, those who wait for one, and how long they wait.
public final class ConnectionPool<Connection: Sendable>: Sendable {
    private typealias Hand = CheckedContinuation<Lease<Connection>, any Error>

    private struct State {
        var idle: [Connection] = []
        /// Connections that exist or are being made, lent or not.
        var total = 0
        /// In the order they came, which is that of their deadlines: all wait for the same time.
        var waiters: Deque<(id: UInt64, hand: Hand, deadline: ContinuousClock.Instant)> = []
        /// Whether somebody looks at the clock for those who wait.
        var isTimed = false
        var nextWaiter: UInt64 = 0
        var timeouts = 0
        var rejected = 0
    }

    private enum Attempt {
        case idle(Connection)
        case make
        case wait
        case refuse
    }

    /// As `db.client.connection.pool.name` on spans.
    public let name: String
    private let configuration: PoolConfiguration
    private let make: @Sendable () async throws -> Connection
    private let state = Mutex(State())

    /// - Parameter make: Opens a connection; called outside any lock, at most `configuration.size` times at once.
    public init(
        name: String,
        configuration: PoolConfiguration = PoolConfiguration(),
        make: @escaping @Sendable () async throws -> Connection
    ) {
        self.name = name
        self.configuration = configuration
        self.make = make
    }

    /// Lends a connection to the closure and takes it back when that returns or throws.
    ///
    /// - Throws: `PoolError`, what opening a connection throws, or what the closure throws.
    nonisolated(nonsending) public func withConnection<Result>(
        _ body: nonisolated(nonsending) (Connection) async throws -> Result
    ) async throws -> Result {
        let lease = try await lease()
        defer { lease.release() }
        return try await body(lease.connection)
    }

    /// A connection that can be had without waiting, nil when all are lent and none may be made.
    public func leaseIfIdle() -> Lease<Connection>? {
        state.withLock { $0.idle.popLast() }.map { Lease($0, of: self) }
    }

    /// A connection to be given back by `release()`; those who can use `withConnection` do.
    ///
    /// - Throws: `PoolError`, `CancellationError`, or what opening a connection throws.
    nonisolated(nonsending) public func lease() async throws -> Lease<Connection> {
        switch state.withLock({ attempt(&$0, waiter: nil) }) {
        case .idle(let connection): return Lease(connection, of: self)
        case .make: return Lease(try await open(), of: self)
        case .refuse: throw PoolError(kind: .tooManyWaiting, pool: name)
        case .wait: return try await wait()
        }
    }

    /// Takes what can be had. With a waiter it stands in line for the rest: in one step with looking, since what is
    /// given back between the two would be lost on it.
    private func attempt(_ state: inout State, waiter: (id: UInt64, hand: Hand, ContinuousClock.Instant)?) -> Attempt {
        if let idle = state.idle.popLast() { return .idle(idle) }
        if state.total < configuration.size {
            state.total += 1
            return .make
        }
        guard state.waiters.count < configuration.maximumWaiting else {
            state.rejected += 1
            return .refuse
        }
        if let waiter { state.waiters.append(waiter) }
        return .wait
    }

    /// What the pool holds at this moment.
    public var statistics: PoolStatistics {
        state.withLock { state in
            PoolStatistics(
                active: state.total - state.idle.count,
                maximum: configuration.size,
                waiting: state.waiters.count,
                timeouts: state.timeouts,
                rejected: state.rejected
            )
        }
    }

    private func open() async throws -> Connection {
        do {
            return try await make()
        } catch {
            discard()
            throw error
        }
    }

    private func wait() async throws -> Lease<Connection> {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let deadline = ContinuousClock.now + configuration.acquireTimeout
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enqueue(id, $0, deadline) }
        } onCancel: {
            giveUp(id, CancellationError())
        }
    }

    private func enqueue(_ id: UInt64, _ hand: Hand, _ deadline: ContinuousClock.Instant) {
        switch state.withLock({ attempt(&$0, waiter: (id, hand, deadline)) }) {
        case .idle(let connection): hand.resume(returning: Lease(connection, of: self))
        case .make: make(for: hand)
        case .refuse: hand.resume(throwing: PoolError(kind: .tooManyWaiting, pool: name))
        case .wait:
            // A cancellation from before the waiter stood in line has found nobody to wake.
            if Task.isCancelled { giveUp(id, CancellationError()) }
            timeWaiters()
        }
    }

    private func make(for hand: Hand) {
        Task {
            do { hand.resume(returning: Lease(try await open(), of: self)) } catch { hand.resume(throwing: error) }
        }
    }

    private func giveUp(_ id: UInt64, _ error: any Error) {
        let hand: Hand? = state.withLock { state in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index).hand
        }
        hand?.resume(throwing: error)
    }

    /// One task looks at the clock for all who wait: a timer for each was a fiftieth of what a request
    /// costs that has to wait.
    private func timeWaiters() {
        let isTimed = state.withLock { state in
            defer { state.isTimed = true }
            return state.isTimed
        }
        guard !isTimed else { return }
        Task {
            while let deadline = self.giveUpOverdue() { try? await Task.sleep(until: deadline) }
        }
    }

    /// - Returns: When to look again; nil when nobody waits any more.
    private func giveUpOverdue() -> ContinuousClock.Instant? {
        let (overdue, next) = state.withLock { state -> ([Hand], ContinuousClock.Instant?) in
            var overdue: [Hand] = []
            let now = ContinuousClock.now
            while let first = state.waiters.first, first.deadline <= now {
                overdue.append(first.hand)
                state.waiters.removeFirst()
            }
            state.timeouts += overdue.count
            state.isTimed = !state.waiters.isEmpty
            return (overdue, state.waiters.first?.deadline)
        }
        for hand in overdue { hand.resume(throwing: PoolError(kind: .timeout, pool: name)) }
        return next
    }

    fileprivate func takeBack(_ connection: Connection) {
        let hand: Hand? = state.withLock { state in
            if let waiter = state.waiters.popFirst() { return waiter.hand }
            state.idle.append(connection)
            return nil
        }
        hand?.resume(returning: Lease(connection, of: self))
    }

    /// A connection is gone; the first who waits makes another.
    fileprivate func discard() {
        let hand: Hand? = state.withLock { state in
            if let waiter = state.waiters.popFirst() { return waiter.hand }
            state.total -= 1
            return nil
        }
        if let hand { make(for: hand) }
    }
}

/// A connection lent. It must be released or discarded; the first of the two counts.
public final class Lease<Connection: Sendable>: Sendable {
    public let connection: Connection
    private let pool: ConnectionPool<Connection>
    private let isReturned = Mutex(false)

    init(_ connection: Connection, of pool: ConnectionPool<Connection>) {
        self.connection = connection
        self.pool = pool
    }

    /// Gives the connection back.
    public func release() {
        if markReturned() { pool.takeBack(connection) }
    }

    /// Says that the connection is of no more use.
    public func discard() {
        if markReturned() { pool.discard() }
    }

    private func markReturned() -> Bool {
        isReturned.withLock { returned in
            defer { returned = true }
            return !returned
        }
    }
}
