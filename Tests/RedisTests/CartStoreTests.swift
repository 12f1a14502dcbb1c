import Commerce
import RedisClient
import RedisStorage
import ServiceTracing
import Storage
import StorageConformance
import TestSupport
import Testing
import Tracing

@Suite("Carts in a Redis", .needsRedis, .timeLimit(.minutes(2)))
struct CartStoreTests {
    private static let id = CartID(rawValue: "cart-1")

    /// Lets time pass for keys: what would be over by then is over now.
    static func advance(_ pool: RedisPool) -> @Sendable (Int64) async throws -> Void {
        let script = RedisScript(
            """
            for _, key in ipairs(redis.call('KEYS', '*')) do
                redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
            end
            """
        )
        return { milliseconds in
            _ = try await pool.withConnection { connection, _ in
                try await connection.execute(script, keys: [], [Array("\(milliseconds)".utf8)])
            }
        }
    }

    @Test("Redis keeps carts as every engine does")
    func conformance() async throws {
        let failures = await CartConformance.suite.run { _ in
            let pool = try await TestRedis.emptied(1)
            return CartSubject(carts: RedisCartStore(pool), advance: Self.advance(pool))
        }
        #expect(failures == [])
    }

    @Test("A change that is sent again counts once, a clear and a removal as well")
    func once() async throws {
        let store = RedisCartStore(try await TestRedis.emptied(6))
        let add = CartChange(.add(line(1)))
        for _ in 0..<3 { #expect(try await store.apply(add, to: Self.id).lines == [line(1)]) }
        let (remove, clear) = (CartChange(.remove(ProductID(1))), CartChange(.clear))
        for change in [remove, clear] {
            #expect(try await store.apply(change, to: Self.id).lines == [])
            #expect(try await store.apply(add, to: Self.id).lines == [])
            let later = try await store.add(line(1), to: Self.id)
            #expect(try await store.apply(change, to: Self.id) == later)
        }
        #expect(
            try await store.replay([add, remove, CartChange(.add(line(2))), clear], to: Self.id).cart?.lines.count == 2
        )
    }

    @Test("A refused change is not recorded, and the same id may succeed later")
    func refused() async throws {
        let store = RedisCartStore(try await TestRedis.emptied(7))
        _ = try await store.add(line(1, quantity: Quantity.range.upperBound), to: Self.id)
        let more = CartChange(.add(line(1)))
        await #expect(throws: CartError.tooMany) { try await store.apply(more, to: Self.id) }
        #expect(try await store.replay([more, more], to: Self.id).refused == 2)
        _ = try await store.remove(ProductID(1), from: Self.id)
        #expect(try await store.apply(more, to: Self.id).lines == [line(1)])
    }

    @Test("The ids that are remembered are bounded, and expire as the cart does")
    func bounded() async throws {
        let pool = try await TestRedis.emptied(8)
        let store = RedisCartStore(pool)
        let changes = (0..<1500).map { _ in CartChange(.add(line(1))) }
        #expect(try await store.replay(changes, to: Self.id).cart?.lines == [line(1, quantity: 1500)])
        #expect(try await pool.execute(RedisCommand("ZCARD", "popshop:cart-changes:cart-1")) == .integer(1024))
        // The newest are those that are kept.
        #expect(try await store.replay(changes.suffix(1000), to: Self.id).cart?.lines == [line(1, quantity: 1500)])
        let keys = try await pool.execute(RedisCommand("KEYS", "*")).asArray()
        #expect(keys.count == 2)
        for key in keys {
            let left = try await pool.execute(RedisCommand("PTTL", [key.asBytes()])).asInteger()
            #expect((86_000_000...86_400_000).contains(left))
        }
    }

    @Test("Names and prices are kept as they are")
    func values() async throws {
        let store = RedisCartStore(try await TestRedis.emptied(9))
        for (index, name) in ["", " a  b ", "a\nb\u{0}", "4K Monitor 27\"", "商 \u{1F6D2}"].enumerated() {
            let line = Cart.Line(
                productID: ProductID(index),
                productName: name,
                price: Money(minorUnits: Money.largest - Int64(index), currency: .jpy),
                quantity: 1
            )
            _ = try await store.add(line, to: Self.id)
            #expect(try await store.cart(Self.id).lines.last == line)
        }
        #expect(try await store.cart(Self.id).updatedAt == 1_700_000_000_000)
    }

    @Test("A key that holds something else spoils that cart alone")
    func foreign() async throws {
        let pool = try await TestRedis.emptied(10)
        let store = RedisCartStore(pool)
        try await pool.execute(RedisCommand("SET", "popshop:cart:cart-1", "text"))
        try await pool.execute(RedisCommand("HSET", "popshop:cart:cart-2", "5", "nonsense"))
        for id in ["cart-1", "cart-2"].map(CartID.init(rawValue:)) {
            let error = await #expect(throws: StorageError.self) { try await store.cart(id) }
            #expect(error?.code == .corrupt)
        }
        let error = await #expect(throws: StorageError.self) { try await store.add(line(1), to: Self.id) }
        #expect(error?.code == .corrupt)
        #expect(try await store.replay([CartChange(.add(line(1)))], to: Self.id).refused == 1)
        #expect(try await store.add(line(1), to: CartID(rawValue: "cart-3")).lines == [line(1)])
    }

    @Test("Each command is a CLIENT span of the request, under both sets of names and without values")
    func spans() async throws {
        let spans = SpanCollector()
        let tracer = ServiceTracer("cart", spans)
        let store = RedisCartStore(try await TestRedis.emptied(11), spans: spans)
        let secret = CartID(rawValue: "secret-4711")
        let request = tracer.startSpan("request", kind: .server, context: .topLevel)
        try await InstrumentationContext.$current.withValue(request.context) {
            _ = try await store.add(line(4711, name: "secret-4711"), to: secret)
            _ = try await store.cart(secret)
        }
        for (name, text) in [("EVALSHA cart", "EVALSHA ? 2 ? ? ?"), ("HGETALL cart", "HGETALL ?")] {
            let span = try #require(spans.named(name).first)
            #expect(span.kind == .client && span.outcome == .unset)
            #expect(span.parentSpanID == request.spanContext.spanID)
            #expect(span.text("db.system.name") == "redis" && span.text("db.system") == "redis")
            #expect(span.text("db.namespace") == "11" && span.text("db.collection.name") == "cart")
            #expect(span.text("db.query.text") == text && span.text("db.statement") == text)
            #expect(span.text("server.address") == (try TestRedis.configuration(0).url.address))
        }
        #expect(spans.named("EVALSHA cart").first?.text("popshop.cart.change") == "add")
        for span in spans.spans { #expect(!"\(span.attributes) \(span.events)".contains("4711")) }
    }

    @Test("A command that fails is a failed span, and so is a wait for a connection")
    func failedSpans() async throws {
        let spans = SpanCollector()
        let server = try FakeRedis(after: "+OK\r\n+PONG\r\n", answering: "-OOM hunter2\r\n")
        let store = RedisCartStore(RedisPool(try server.configuration()), spans: spans)
        let error = await #expect(throws: StorageError.self) { try await store.cart(Self.id) }
        #expect(error?.code == .failed && error?.detail.contains("hunter2") == false)
        let span = try #require(spans.named("HGETALL cart").first)
        #expect(span.text("error.type") == "server(OOM)" && span.failure?.contains("hunter2") == false)
        let absent = RedisCartStore(RedisPool(try RedisConfiguration(url: "unix:///nowhere")), spans: spans)
        let refusal = await #expect(throws: StorageError.self) { try await absent.cart(Self.id) }
        #expect(refusal?.code == .unavailable)
        #expect(spans.named("wait for connection").last?.text("error.type") == "storage_unavailable")
    }
}
