public import Commerce
public import RedisClient
public import ServiceTracing
public import Storage

/// Carts in a Redis, which all replicas of a service share: one hash each, gone a day after its last change.
public struct RedisCartStore: RepeatableCartStore {
    private let pool: RedisPool
    private let trace: CommandTrace
    private let lifetime: Int64
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - tracer: Shows each command, in the current task's context.
    ///   - lifetime: Milliseconds after its last change that a cart is kept; a day.
    ///   - now: Milliseconds since 1970.
    public init(
        _ pool: RedisPool,
        tracer: ServiceTracer,
        conventions: DatabaseConventions = .both,
        lifetime: Int64 = CartShelf.day,
        now: @escaping @Sendable () -> Int64
    ) {
        self.pool = pool
        trace = CommandTrace(pool, tracer, conventions)
        self.lifetime = lifetime
        self.now = now
    }

    public func cart(_ id: CartID) async throws -> Cart {
        let command = RedisCommand("HGETALL", [CartScript.key(id)])
        return try await trace.run(trace.read) { connection, timeLeft in
            try Cart(id, hash: try await connection.execute(command, timeout: timeLeft), now: now())
        }
    }

    public func add(_ line: Cart.Line, to id: CartID) async throws -> Cart {
        try await apply(CartChange(.add(line)), to: id)
    }

    public func remove(_ product: ProductID, from id: CartID) async throws -> Cart {
        try await apply(CartChange(.remove(product)), to: id)
    }

    public func take(_ pieces: [Cart.Pieces], from id: CartID) async throws -> Cart {
        try await apply(CartChange(.take(pieces)), to: id)
    }

    public func clear(_ id: CartID) async throws -> Cart { try await apply(CartChange(.clear), to: id) }

    /// Always Redis: `SteadyCartStore` knows whether it answers.
    public var state: CartStoreState { CartStoreState(storage: "redis", isDegraded: false, carts: nil) }

    public func apply(_ change: CartChange, to id: CartID) async throws -> Cart {
        if let refusal = change.refusal { throw refusal }
        let arguments = CartScript.arguments(change, now: now(), lifetime: lifetime)
        let attributes: Attributes = ["popshop.cart.change": .string(change.kind.name)]
        let answer = try await trace.run(trace.change, attributes) { connection, timeLeft in
            let keys = CartScript.keys(id)
            let reply = try await connection.execute(CartScript.script, keys: keys, arguments, timeout: timeLeft)
            return try ScriptAnswer(id, reply, now: now())
        }
        if let refusal = answer.refusal { throw refusal }
        return answer.cart
    }

    public func replay(_ changes: [CartChange], to id: CartID) async throws -> ReplayOutcome {
        let possible = changes.filter { $0.refusal == nil }
        let impossible = changes.count - possible.count
        guard !possible.isEmpty else { return ReplayOutcome(cart: nil, refused: impossible) }
        let commands = commands(possible, id)
        let attributes: Attributes = ["db.operation.batch.size": .int(commands.count)]
        var outcome = try await trace.run(trace.change, attributes) { connection, timeLeft in
            let replies = try await connection.execute(commands, timeout: timeLeft)
            return try read(replies, of: commands, id)
        }
        outcome.refused += impossible
        return outcome
    }

    public func ping() async throws {
        do { try await pool.execute(RedisCommand("PING")) } catch { throw CommandTrace.translate(error) }
    }

    /// The first brings the script's text, so that the server has it for those after it.
    private func commands(_ changes: [CartChange], _ id: CartID) -> [RedisCommand] {
        let (script, keys, now) = (CartScript.script, CartScript.keys(id), now())
        return changes.enumerated().map { index, change in
            let arguments = CartScript.arguments(change, now: now, lifetime: lifetime)
            let short = index > 0 ? script.byDigest(keys, arguments) : nil
            return short ?? script.byText(keys, arguments)
        }
    }

    /// - Throws: `RedisError` for a refusal that may pass.
    private func read(_ replies: [RedisReply], of commands: [RedisCommand], _ id: CartID) throws -> ReplayOutcome {
        var outcome = ReplayOutcome(cart: nil, refused: 0)
        for (reply, command) in zip(replies, commands) {
            do {
                let answer = try ScriptAnswer(id, try reply.orThrow(command), now: now())
                outcome.cart = answer.cart
                if answer.refusal != nil { outcome.refused += 1 }
            } catch  where (CommandTrace.translate(error) as? StorageError)?.code == .corrupt {
                outcome.cart = nil
                outcome.refused += 1
            }
        }
        return outcome
    }
}

extension CartChange {
    /// Why it can be applied to no cart: the script is only given quantities that Lua's numbers carry.
    fileprivate var refusal: CartError? {
        if case .add(let line) = kind, !Quantity.range.contains(line.quantity) { .tooMany } else { nil }
    }
}
