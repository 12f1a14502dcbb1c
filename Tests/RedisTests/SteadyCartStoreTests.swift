import Commerce
import Foundation
import RedisClient
import RedisStorage
import ServiceLifecycle
import ServiceTracing
import Storage
import StorageConformance
import Synchronization
import TestSupport
import Testing

@Suite("Carts that go on without their Redis", .timeLimit(.minutes(2)))
struct SteadyCartStoreTests {
    private static let id = CartID(rawValue: "cart-1")
    /// What a request may take that finds Redis gone; most of what the suite waits for.
    private static let patience = Duration.milliseconds(300)

    private static func steady(
        _ configuration: RedisConfiguration,
        _ log: LogKeeper = LogKeeper(),
        spans: SpanCollector = SpanCollector(),
        maximumChanges: Int = 100_000,
        clock: TestClock = TestClock()
    ) -> SteadyCartStore {
        SteadyCartStore(
            RedisCartStore(RedisPool(configuration), spans: spans),
            tracer: ServiceTracer("cart", spans),
            logger: log.logger,
            maximumChanges: maximumChanges,
            backOff: .milliseconds(1) ... .milliseconds(20),
            lastTry: .seconds(60),
            now: { clock.now }
        )
    }

    /// Runs the store beside the closure.
    private static func running(_ store: SteadyCartStore, _ body: () async throws -> Void) async throws {
        let run = Task { try await store.run() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        run.cancel()
        try await run.value
        try outcome.get()
    }

    private static let nowhere = RedisConfiguration(url: RedisURL(host: "127.0.0.1", port: 1), timeout: .seconds(20))
    private static let redis = CartStoreState(storage: "redis", isDegraded: false, carts: nil)

    @Test("With a Redis it keeps carts as every engine does", .needsRedis)
    func conformance() async throws {
        let failures = await CartConformance.suite.run { _ in
            let pool = try await TestRedis.emptied(2)
            let store = Self.steady(try TestRedis.configuration(2))
            return CartSubject(carts: store, advance: CartStoreTests.advance(pool))
        }
        #expect(failures == [])
    }

    @Test("Without one as well")
    func conformanceAway() async {
        let failures = await CartConformance.suite.run { _ in
            let clock = TestClock()
            return CartSubject(carts: Self.steady(Self.nowhere, clock: clock), advance: { clock.advance($0) })
        }
        #expect(failures == [])
    }

    @Test("A Redis that is not there at the start is said once, in the log and in the state")
    func absent() async throws {
        let log = LogKeeper()
        let store = Self.steady(Self.nowhere, log)
        try await Self.running(store) {
            await eventually { store.state.trouble != nil }
            for _ in 0..<3 { _ = try await store.add(line(1), to: Self.id) }
            let state = CartStoreState(
                storage: "memory",
                isDegraded: true,
                carts: 1,
                trouble: .unavailable,
                waiting: 3
            )
            #expect(store.state == state)
        }
        let sentence = "Redis at 127.0.0.1:1 cannot be used: Connection refused."
        #expect(
            log.lines.filter { $0.hasPrefix("warning") } == [
                "warning \(sentence) Carts go on in memory until it is back."
            ]
        )
        #expect(log.lines.last?.contains("3 changes") == true)
    }

    @Test(
        "A Redis that hangs, talks nonsense or refuses is as good as none",
        arguments: ["", "?", "-OOM out of memory\r\n", "-READONLY replica\r\n", "-NOPERM no\r\n", ":1\r\n:2\r\n"]
    )
    func bad(answer: String) async throws {
        let server = try FakeRedis(after: "+OK\r\n+PONG\r\n", answering: answer)
        let store = Self.steady(try server.configuration(timeout: Self.patience))
        #expect(try await store.add(line(1), to: Self.id).lines == [line(1)])
        #expect(try await store.cart(Self.id).lines == [line(1)])
        #expect(store.state.storage == "memory" && store.held.waiting == 1)
    }

    @Test("Beyond what can be held the oldest change is dropped, counted, and said once")
    func bounded() async throws {
        let log = LogKeeper()
        let store = Self.steady(Self.nowhere, log, maximumChanges: 3)
        for index in 0..<10 { _ = try await store.add(line(1), to: CartID(rawValue: "cart-\(index % 4)")) }
        #expect(store.held.waiting == 3 && store.held.dropped == 7)
        #expect(log.lines.filter { $0.hasPrefix("error") }.count == 1)
    }

    @Test("A change whose answer was lost counts once, and what followed it follows it", .needsRedis)
    func lost() async throws {
        let pool = try await TestRedis.emptied(12)
        let proxy = try LosingProxy(to: TestRedis.configuration(0).url.address)
        let store = Self.steady(try proxy.configuration(12, timeout: .seconds(3)))
        let truth = RedisCartStore(pool)
        _ = try await store.add(line(1), to: Self.id)
        try #require(store.state == Self.redis)
        proxy.lose(true)
        #expect(try await store.add(line(2), to: Self.id).lines == [line(1), line(2)])
        #expect(proxy.lost > 0)
        // Redis has made it, and its answer was lost.
        #expect(try await truth.cart(Self.id).lines == [line(1), line(2)])
        _ = try await store.remove(ProductID(1), from: Self.id)
        #expect(try await store.add(line(2), to: Self.id).lines == [line(2, quantity: 2)])
        let other = CartID(rawValue: "other")
        _ = try await store.add(line(5), to: other)
        _ = try await store.clear(other)
        _ = try await store.add(line(6), to: other)
        #expect(store.held.waiting == 6)
        proxy.lose(false)
        try await Self.running(store) { await eventually { store.state == Self.redis } }
        #expect(try await truth.cart(Self.id).lines == [line(2, quantity: 2)])
        #expect(try await truth.cart(other).lines == [line(6)])
        #expect(try await store.cart(Self.id).lines == [line(2, quantity: 2)])
    }

    @Test("What Redis can never take holds up nothing, and merging is a trace of its own", .needsRedis)
    func refused() async throws {
        let pool = try await TestRedis.emptied(13)
        let proxy = try LosingProxy(to: TestRedis.configuration(0).url.address)
        let (log, spans) = (LogKeeper(), SpanCollector())
        let store = Self.steady(try proxy.configuration(13, timeout: Self.patience), log, spans: spans)
        let truth = RedisCartStore(pool)
        try await pool.execute(RedisCommand("SET", "popshop:cart:foreign", "text"))
        _ = try await truth.add(line(1, quantity: Quantity.range.upperBound), to: Self.id)
        proxy.lose(true)
        for id in ["another", "foreign", "cart-1", "last"] {
            _ = try await store.add(line(1), to: CartID(rawValue: id))
        }
        proxy.lose(false)
        try await Self.running(store) { await eventually { store.state == Self.redis } }
        for id in ["another", "last"] { #expect(try await truth.cart(CartID(rawValue: id)).lines == [line(1)]) }
        await eventually { log.lines.contains { $0.contains("2 changes to carts were merged, 2 refused") } }
        #expect(spans.named("merge carts").last?.parentSpanID == nil)
        #expect(spans.named("EVALSHA cart").contains { $0.int("db.operation.batch.size") != nil })
    }

    @Test("An orderly end sends what is held", .needsRedis)
    func shutdown() async throws {
        let pool = try await TestRedis.emptied(14)
        let proxy = try LosingProxy(to: TestRedis.configuration(0).url.address)
        // Longer than elsewhere: what is sent at the end has three tries, on a machine that may be busy.
        let store = Self.steady(try proxy.configuration(14, timeout: .seconds(5)))
        proxy.lose(true)
        for _ in 0..<200 { _ = try await store.add(line(1), to: Self.id) }
        proxy.lose(false)
        let last = Bystander()
        let group = ServiceGroup(services: [store, last], logger: LogKeeper().logger)
        let run = Task { try await group.run() }
        await eventually { last.isRunning.withLock { $0 } }
        await group.triggerGracefulShutdown()
        try await run.value
        #expect(try await RedisCartStore(pool).cart(Self.id).lines == [line(1, quantity: 200)])
    }

    @Test(
        "A Redis that is stopped and started again under concurrent adds: what was answered is in the carts",
        .needsRedis,
        arguments: [SIGSTOP, SIGKILL, SIGTERM]
    )
    func restarted(signal: Int32) async throws {
        let process = try RedisProcess()
        try await process.start()
        let store = Self.steady(try process.configuration(timeout: Self.patience))
        let shoppers = Shoppers(store)
        try await Self.running(store) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for shopper in 0..<8 { group.addTask { try await shoppers.shop(shopper) } }
                await eventually { shoppers.answered > 200 }
                if signal == SIGSTOP { process.signal(SIGSTOP) } else { process.end(signal) }
                await eventually { store.state.storage == "memory" }
                let before = shoppers.answered
                await eventually { shoppers.answered > before + 500 }
                if signal == SIGSTOP { process.signal(SIGCONT) } else { try await process.start() }
                await eventually { store.state.storage == "redis" }
                let after = shoppers.answered
                await eventually { shoppers.answered > after + 200 }
                shoppers.stop()
                try await group.waitForAll()
            }
            await eventually { store.state == Self.redis }
        }
        let truth = RedisCartStore(RedisPool(try process.configuration(timeout: .seconds(10))))
        #expect(try await shoppers.count(in: truth) == shoppers.answered)
        #expect(store.held.dropped == 0)
    }
}

/// A service that is started after the others, and tells.
private final class Bystander: Service {
    let isRunning = Mutex(false)

    func run() async throws {
        isRunning.withLock { $0 = true }
        try await gracefulShutdown()
    }
}

/// Adds one thing after the other to a few carts, and counts what is answered.
private final class Shoppers: Sendable {
    private let store: SteadyCartStore
    private let counted = Mutex(0)
    private let isStopped = Mutex(false)
    private static let carts = (0..<40).map { CartID(rawValue: "cart-\($0)") }

    init(_ store: SteadyCartStore) { self.store = store }

    var answered: Int { counted.withLock { $0 } }

    func stop() { isStopped.withLock { $0 = true } }

    func shop(_ shopper: Int) async throws {
        var turn = shopper
        // A line holds ten thousand, so there are many to choose from.
        while !isStopped.withLock({ $0 }) {
            _ = try await store.add(line(1 + turn % 50), to: Self.carts[turn % Self.carts.count])
            counted.withLock { $0 += 1 }
            turn += 7
            await Task.yield()
        }
    }

    func count(in store: RedisCartStore) async throws -> Int {
        var count = 0
        for id in Self.carts { count += try await store.cart(id).lines.map(\.quantity).reduce(0, +) }
        return count
    }
}
