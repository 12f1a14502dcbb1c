public import Commerce
public import Logging
public import ServiceTracing
public import Storage
import Synchronization

/// Carts that go on when their Redis does not: in memory until it is back, and then merged into it, so that every change
/// that was answered counts exactly once.
///
/// **Away.** The first command that fails opens the circuit: no request waits from then on. What is changed meanwhile is
/// answered from memory, over what the cart was when it was last seen here, and kept in a journal; so is the change that
/// failed, under the id it was sent with, since Redis may have made it.
/// **Back.** `run()` looks for Redis with a back-off, and replays the journal in order. A cart with changes in the journal
/// is served from memory until the last of them is in Redis; all others are served by Redis as soon as the circuit is
/// closed. So no change overtakes an earlier one of the same cart.
///
/// What is in the journal when the process ends is lost; on a graceful shutdown it is sent if Redis takes it.
public final class SteadyCartStore: CartStore {
    struct State {
        var shelf: CartShelf
        var journal: CartJournal
        /// Why Redis is away; nil when it is not.
        var trouble: StorageError?
        var isDropSaid = false
        /// Since the circuit was opened.
        var merged = 0
        var refused = 0

        func isLocal(_ id: CartID) -> Bool { trouble != nil || journal.holds(id) }
    }

    let redis: any RepeatableCartStore
    let tracer: ServiceTracer
    let logger: Logger
    let backOff: ClosedRange<Duration>
    let lastTry: Duration
    let guarded: Mutex<State>
    let wakes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - redis: The store that may be away.
    ///   - tracer: Shows merging, which is a trace of its own.
    ///   - maximumCarts: How many carts are remembered for when Redis is away.
    ///   - maximumChanges: How many changes are held while it is; beyond that the oldest is dropped, and counted.
    ///   - backOff: The ceiling of the first wait between two looks for Redis, and of the longest (full jitter).
    ///   - lastTry: What an orderly end may take for what is still held.
    ///   - now: Milliseconds since 1970.
    public init(
        _ redis: any RepeatableCartStore,
        tracer: ServiceTracer,
        logger: Logger,
        maximumCarts: Int = 20_000,
        maximumChanges: Int = 100_000,
        backOff: ClosedRange<Duration> = .milliseconds(100) ... .seconds(2),
        lastTry: Duration = .seconds(2),
        now: @escaping @Sendable () -> Int64
    ) {
        self.redis = redis
        self.tracer = tracer
        self.logger = logger
        self.backOff = backOff
        self.lastTry = lastTry
        self.now = now
        guarded = Mutex(
            State(shelf: CartShelf(maximumCarts: maximumCarts), journal: CartJournal(maximum: maximumChanges))
        )
    }

    /// `memory` while Redis is away; degraded until all that was held is merged.
    public var state: CartStoreState {
        guarded.withLock { state in
            CartStoreState(
                storage: state.trouble == nil ? "redis" : "memory",
                isDegraded: state.trouble != nil || state.journal.count > 0,
                carts: state.trouble == nil ? nil : state.shelf.count,
                trouble: state.trouble?.code,
                waiting: state.journal.count
            )
        }
    }

    /// How many changes wait for Redis, and how many had to make room since the process began.
    public var held: (waiting: Int, dropped: Int) { guarded.withLock { ($0.journal.count, $0.journal.dropped) } }

    public func cart(_ id: CartID) async throws -> Cart {
        if let cart = guarded.withLock({ $0.isLocal(id) ? $0.shelf.cart(id, now: now()) : nil }) { return cart }
        do {
            return remember(try await redis.cart(id))
        } catch let error as StorageError where error.code != .corrupt {
            leave(error)
            return guarded.withLock { $0.shelf.cart(id, now: now()) }
        }
    }

    public func add(_ line: Cart.Line, to id: CartID) async throws -> Cart {
        try await make(CartChange(.add(line)), id)
    }

    public func remove(_ product: ProductID, from id: CartID) async throws -> Cart {
        try await make(CartChange(.remove(product)), id)
    }

    public func take(_ pieces: [Cart.Pieces], from id: CartID) async throws -> Cart {
        try await make(CartChange(.take(pieces)), id)
    }

    public func clear(_ id: CartID) async throws -> Cart { try await make(CartChange(.clear), id) }

    private func make(_ change: CartChange, _ id: CartID) async throws -> Cart {
        if let cart = try hold(change, id, onlyIfLocal: true) { return cart }
        do {
            return remember(try await redis.apply(change, to: id))
        } catch let error as StorageError where error.code != .corrupt {
            leave(error)
            guard let cart = try hold(change, id, onlyIfLocal: false) else { throw error }
            return cart
        }
    }

    /// Makes a change in memory, for Redis to get later. Looking and holding are one step: the journal of the cart may
    /// be settled at any moment.
    ///
    /// - Returns: The cart as it is then; nil when it is to be made in Redis.
    private func hold(_ change: CartChange, _ id: CartID, onlyIfLocal: Bool) throws(CartError) -> Cart? {
        let result = guarded.withLock { state -> Result<(cart: Cart, isFirstDrop: Bool), CartError>? in
            if onlyIfLocal, !state.isLocal(id) { return nil }
            return Result { () throws(CartError) in
                let cart = try state.shelf.make(change, id, now: now())
                let isDropping = !state.journal.append(change, to: id)
                defer { state.isDropSaid = state.isDropSaid || isDropping }
                return (cart, isDropping && !state.isDropSaid)
            }
        }
        guard let (cart, isFirstDrop) = try result?.get() else { return nil }
        if isFirstDrop {
            logger.error("More changes to carts wait for Redis than can be held: the oldest are dropped from here on.")
        }
        // It may have been settled since this change was sent, with nobody left to look for what is held now.
        if !onlyIfLocal { wakes.continuation.yield() }
        return cart
    }

    /// Keeps what Redis has said, for when it is away. Not of a cart with changes that it has not seen.
    private func remember(_ cart: Cart) -> Cart {
        guarded.withLock { state in
            if !state.journal.holds(cart.id) { state.shelf.keep(cart) }
        }
        return cart
    }

    /// Opens the circuit; says so once.
    func leave(_ error: StorageError) {
        let isNews = guarded.withLock { state in
            defer { state.trouble = error }
            guard state.trouble == nil else { return false }
            if state.journal.count == 0 { (state.merged, state.refused, state.isDropSaid) = (0, 0, false) }
            return true
        }
        guard isNews else { return }
        logger.warning("\(error.detail) Carts go on in memory until it is back.")
        wakes.continuation.yield()
    }
}

extension CartShelf {
    fileprivate mutating func make(_ change: CartChange, _ id: CartID, now: Int64) throws(CartError) -> Cart {
        switch change.kind {
        case .add(let line): try add(line, to: id, now: now)
        case .remove(let product): remove(product, from: id, now: now)
        case .take(let pieces): take(pieces, from: id, now: now)
        case .clear: clear(id, now: now)
        }
    }
}
