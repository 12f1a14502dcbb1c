import Commerce
import ConnectionPool
import ServiceTracing
import Storage
import TestSupport
import Testing
import Tracing

@testable import SQLiteStorage

@Suite(.timeLimit(.minutes(15)))
struct StatementSpanTests {
    private static let stableNames = [
        "db.system.name", "db.namespace", "db.operation.name", "db.query.text", "db.collection.name",
    ]
    private static let olderNames = ["db.system", "db.name", "db.operation", "db.statement", "db.sql.table"]

    @Test("Each statement is a CLIENT span of the request that asked for it, under both sets of names")
    func bothNames() async throws {
        let shop = try SQLiteShop()
        let request = try await shop.request { _ = try await shop.catalog.product(ProductID(1)) }
        let span = try #require(shop.spans.named("SELECT products").first)
        #expect(span.kind == .client && span.outcome == .unset)
        #expect(span.parentSpanID == request.spanID && span.context.traceID == request.traceID)
        #expect(span.text("db.system.name") == "sqlite")
        for (stable, older) in zip(Self.stableNames, Self.olderNames) {
            #expect(span.text(stable) != nil && span.text(stable) == span.text(older))
        }
    }

    @Test("With `database` only the stable names are there")
    func stableNames() async throws {
        let shop = try SQLiteShop(conventions: .stable)
        try await shop.request {
            _ = try await shop.catalog.product(ProductID(1))
            _ = try await shop.orders.place(Purchases.draft())
        }
        let statements = shop.spans.spans.filter { $0.kind == .client }
        #expect(statements.count > 3)
        for span in statements {
            #expect(span.text("db.query.text") != nil)
            for older in Self.olderNames { #expect(span.attributes[older] == nil) }
        }
    }

    @Test("An order is its statements and one commit, in order, all of one parent and within its time")
    func order() async throws {
        let shop = try SQLiteShop()
        let request = try await shop.request { _ = try await shop.orders.place(Purchases.draft()) }
        let statements = shop.spans.trace(request.traceID.description).filter { $0.kind == .client }
        #expect(
            statements.map(\.name)
                == ["UPDATE products", "INSERT orders", "INSERT order_items", "INSERT outbox", "COMMIT"]
        )
        #expect(statements.allSatisfy { $0.parentSpanID == request.spanID && $0.startTime <= $0.endTime })
        #expect(statements.last?.int("popshop.commit.group_size") == 1)
        #expect(statements.last?.text("db.query.text") == "COMMIT")
        let whole = try #require(shop.spans.named("request").first)
        #expect(statements.allSatisfy { $0.startTime >= whole.startTime && $0.endTime <= whole.endTime })
    }

    @Test("No value of a parameter is in any span")
    func noValues() async throws {
        let shop = try SQLiteShop()
        let secret = "secret-4711"
        try await shop.request {
            _ = try await shop.catalog.products(containing: secret, limit: 4711)
            _ = try await shop.catalog.products(matching: ProductQuery(category: secret, limit: 4711))
            _ = try await shop.orders.orders(of: .init(rawValue: secret), limit: 4711)
            let key = IdempotencyKey(key: secret, fingerprint: secret)
            _ = try await shop.orders.order(forKey: key)
            let draft = OrderDraft(order: Purchases.order(user: secret), key: key, restocks: true)
            _ = try await shop.orders.place(draft)
        }
        #expect(shop.spans.spans.count > 8)
        for span in shop.spans.spans { #expect(!"\(span.attributes) \(span.events)".contains("4711")) }
    }

    @Test("A statement outside of any request is the root of a trace of its own")
    func noRequest() async throws {
        let shop = try SQLiteShop()
        _ = try await shop.catalog.product(ProductID(1))
        #expect(shop.spans.named("SELECT products").map(\.parentSpanID) == [nil])
    }

    @Test("Below a request that is not sampled nothing is recorded")
    func unsampled() async throws {
        let shop = try SQLiteShop()
        let span = shop.tracer.startSpan("probe", kind: .server, context: .topLevel, suppressed: true)
        try await InstrumentationContext.$current.withValue(span.context) {
            _ = try await shop.catalog.product(ProductID(1))
            _ = try await shop.orders.place(Purchases.draft())
        }
        span.end()
        #expect(shop.spans.spans.isEmpty)
    }

    @Test("A statement that fails is a failed span, without the value that broke it")
    func failed() async throws {
        let shop = try SQLiteShop()
        let order = Purchases.order(user: "secret-4711")
        _ = try await shop.orders.place(OrderDraft(order: order, restocks: false))
        let error = await #expect(throws: StorageError.self) {
            try await shop.orders.place(OrderDraft(order: order, restocks: false))
        }
        #expect(error?.code == .failed)
        let span = try #require(shop.spans.named("INSERT orders").last)
        #expect(span.failure?.contains("orders.id") == true && span.failure?.contains("4711") == false)
        // SQLITE_CONSTRAINT_PRIMARYKEY.
        #expect(span.text("error.type")?.hasPrefix("1555") == true)
    }

    @Test("An empty pool is a poolExhausted after the time-out, with the wait as a failed span of the request")
    func exhausted() async throws {
        let shop = try SQLiteShop(pool: PoolConfiguration(size: 1, acquireTimeout: .milliseconds(20)))
        let held = try await shop.readers.lease()
        let begun = ContinuousClock.now
        let request = try await shop.request {
            let error = await #expect(throws: StorageError.self) { try await shop.catalog.product(ProductID(1)) }
            #expect(error?.code == .poolExhausted)
        }
        #expect(ContinuousClock.now - begun >= .milliseconds(20))
        let wait = try #require(shop.spans.named("wait for connection").first)
        #expect(wait.parentSpanID == request.spanID && wait.kind == .internal)
        #expect(wait.text("db.client.connection.pool.name") == "checkout")
        #expect(wait.text("error.type") == "pool_exhausted" && wait.failure != nil)
        #expect(shop.spans.named("SELECT products").isEmpty)
        held.release()
        #expect(try await shop.catalog.product(ProductID(1)) != nil)
    }

    @Test("A wait that was cancelled is no exhausted pool, and no fault of the engine's")
    func cancelled() async throws {
        let shop = try SQLiteShop(pool: PoolConfiguration(size: 1))
        let held = try await shop.readers.lease()
        let read = Task { try await shop.catalog.product(ProductID(1)) }
        while shop.readers.statistics.waiting == 0 { await Task.yield() }
        read.cancel()
        let error = await #expect(throws: StorageError.self) { try await read.value }
        #expect(error?.code == .unavailable)
        let wait = try #require(shop.spans.named("wait for connection").first)
        #expect(wait.text("error.type") == "storage_unavailable")
        held.release()
    }

    @Test("A wait that was long enough to matter is shown where it has ended well")
    func waited() async throws {
        let shop = try SQLiteShop(pool: PoolConfiguration(size: 1))
        let held = try await shop.readers.lease()
        let read = Task { try await shop.catalog.product(ProductID(1)) }
        while shop.readers.statistics.waiting == 0 { await Task.yield() }
        let seen = ContinuousClock.now
        while ContinuousClock.now - seen < .milliseconds(2) { await Task.yield() }
        held.release()
        #expect(try await read.value != nil)
        let wait = try #require(shop.spans.named("wait for connection").first)
        #expect(wait.failure == nil)
        guard case .double(let milliseconds)? = wait.attributes["db.client.connection.wait_ms"] else {
            Issue.record("the wait has no length")
            return
        }
        #expect(milliseconds >= 2)
    }
}

extension SQLiteShop {
    /// Runs what a request would, in its span, and returns where it was.
    @discardableResult
    fileprivate func request(_ body: () async throws -> Void) async throws -> SpanContext {
        let span = tracer.startSpan("request", kind: .server, context: .topLevel)
        try await InstrumentationContext.$current.withValue(span.context) { try await body() }
        span.end()
        return span.spanContext
    }
}
