import Commerce
import ConnectionPool
import Logging
import PostgresClient
import PostgresTestSupport
import SQLiteStorage
import ServiceTracing
import Storage
import Sync
import Synchronization
import TestSupport
import Testing
import UpstreamStorage

extension WithPostgres {
    struct ObstacleTests {
        @Test func `an upstream without the schema needs a person, who is told what to do`() async throws {
            try await UpstreamBench.with(migrated: false) { bench in
                let upstream = bench.upstream()
                let error = await failure { try await upstream.connect() }
                #expect(error?.remedy == .person)
                #expect(
                    error?.description == "The upstream database has no popshop schema; run popshop migrate --upstream."
                )
                _ = try await UpstreamMigrator.migrate(bench.watcher, now: UpstreamBench.now)
                try await upstream.connect()
                #expect(try await upstream.outcomes([anOrder()]) == [.accepted])
                await upstream.disconnect()
            }
        }

        @Test func `an older schema, and one whose table has gone, need a person too`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                try await upstream.connect()
                try await bench.watcher.executeScript("ALTER TABLE receipts RENAME TO elsewhere")
                let gone = await failure { _ = try await upstream.outcomes([anOrder()]) }
                #expect(gone?.remedy == .person)
                try await bench.watcher.executeScript("DELETE FROM popshop_migrations WHERE name = 'upstream/seeds'")
                let older = await failure { try await upstream.connect() }
                #expect(older?.remedy == .person && older?.description.contains("upstream/seeds") == true)
                #expect(try await bench.count("SELECT count(*) FROM orders WHERE edge_id IS NOT NULL") == 0)
            }
        }

        @Test func `a wrong password needs a person, and an unreachable or read-only server needs time`() async throws {
            try await UpstreamBench.with { bench in
                let cases: [(String, OrderUpstreamError.Remedy)] = [
                    ("dbname=nowhere", .person), ("host=127.0.0.1&port=1", .time(offline: true)),
                    ("host=nowhere.invalid", .time(offline: true)),
                ]
                for (change, remedy) in cases {
                    let upstream = bench.upstream(try TestServer.configuration(change))
                    let error = await failure { try await upstream.connect() }
                    #expect(error?.remedy == remedy, "\(change)")
                    #expect(error?.description.contains("popshop-secret") == false)
                }
                let upstream = bench.upstream(
                    try TestServer.configuration("dbname=\(bench.name)&options=-c%20default_transaction_read_only%3Don")
                )
                let readOnly = await failure { _ = try await upstream.outcomes([anOrder()]) }
                #expect(readOnly?.remedy == .time(offline: false))
                #expect(try await bench.books() == [0, 0, 0])
            }
        }

        @Test func `a server that is too old needs a person`() async throws {
            try await UpstreamBench.with { bench in
                let version = try await bench.watcher.execute("SHOW server_version_num").only().read(
                    at: 0,
                    as: String.self
                )
                let proxy = try CuttingProxy(to: bench.configuration)
                proxy.cut(.rewritten(version, "100023"))
                let upstream = bench.upstream(try proxy.configuration(database: bench.name))
                let error = await failure { try await upstream.connect() }
                #expect(error?.remedy == .person)
                #expect(error?.description == "The upstream server is PostgreSQL 10; it has to be 11 or later.")
            }
        }

        @Test func `a server whose disk is full, or that is slow, needs time, and takes the orders then`() async throws
        {
            try await UpstreamBench.with { bench in
                let full = """
                    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
                    CREATE TRIGGER no_room BEFORE INSERT ON order_items EXECUTE FUNCTION no_room();
                    """
                var hasty = bench.configuration
                hasty.statementTimeout = .milliseconds(200)
                let upstream = bench.upstream(hasty)
                let orders = (0..<5).map { _ in anOrder() }
                try await bench.watcher.executeScript(full)
                let noRoom = await failure { _ = try await upstream.outcomes(orders) }
                #expect(noRoom?.remedy == .time(offline: false))
                try await bench.watcher.executeScript("DROP TRIGGER no_room ON order_items")
                try await bench.watcher.executeScript("BEGIN; LOCK TABLE receipts")
                let noTime = await failure { _ = try await upstream.outcomes(orders) }
                #expect(noTime?.remedy == .time(offline: false))
                try await bench.watcher.executeScript("ROLLBACK")
                #expect(try await bench.books() == [0, 0, 0])
                #expect(try await upstream.outcomes(orders).allSatisfy { $0 == .accepted })
                #expect(try await bench.books() == [5, 5, 5])
                await upstream.disconnect()
            }
        }

        @Test(arguments: ["repeatable read", "serializable"])
        func `booths that push at once get on with each other whatever isolation the server begins with`(level: String)
            async throws
        {
            try await UpstreamBench.with { bench in
                try await bench.watcher.executeScript(
                    "ALTER DATABASE \(bench.name) SET default_transaction_isolation = '\(level)'"
                )
                try await bench.setStock(1, 60)
                let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                    for booth in 0..<4 {
                        group.addTask {
                            let upstream = bench.upstream()
                            var accepted = 0
                            for _ in 0..<10 {
                                let orders = (0..<5).map { _ in anOrder(edge: "edge-\(booth)") }
                                accepted += try await upstream.outcomes(orders).count { $0 == .accepted }
                            }
                            await upstream.disconnect()
                            return accepted
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(accepted == 60)
                #expect(try await bench.stock(1) == 0)
                #expect(try await bench.books() == [200, 200, 200])
            }
        }

        @Test func `a booth that vanishes in the midst of a push does not keep the others from theirs`() async throws {
            try await UpstreamBench.with { bench in
                let booth = bench.upstream()
                try await bench.watcher.executeScript("BEGIN; LOCK TABLE receipts")
                // It has the stock's locks by now, and waits for the receipts'.
                let push = Task { await failure { _ = try await booth.outcomes([anOrder()]) } }
                let second = try await PostgresConnection.connect(bench.configuration)
                let waiting =
                    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                var pid: Int?
                while pid == nil { pid = try await second.execute(waiting).first?.read("pid") }
                push.cancel()
                _ = await push.value
                try await bench.watcher.executeScript("ROLLBACK")
                #expect(try await bench.upstream().outcomes([anOrder()]) == [.accepted])
                await second.close()
            }
        }

        @Test func `an upstream that does not wait for its disk is made to, and gives up what an idle booth holds`()
            async throws
        {
            try await UpstreamBench.with { bench in
                try await bench.watcher.executeScript(
                    """
                    ALTER DATABASE \(bench.name) SET synchronous_commit = off;
                    CREATE TABLE seen AS SELECT ''::text AS commit, ''::text AS idle WITH NO DATA;
                    CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        INSERT INTO seen VALUES (current_setting('synchronous_commit'),
                            current_setting('idle_in_transaction_session_timeout'));
                        RETURN NULL;
                    END $$;
                    CREATE TRIGGER look AFTER INSERT ON orders EXECUTE FUNCTION look();
                    """
                )
                let upstream = bench.upstream()
                #expect(try await upstream.outcomes([anOrder()]) == [.accepted])
                let seen = try await bench.watcher.execute("SELECT * FROM seen").only()
                #expect(try seen.read("commit") == "on")
                #expect(try seen.read("idle") == "15s")
                await upstream.disconnect()
            }
        }

        @Test func `an order that a rule of the server's refuses waits, and the others arrive`() async throws {
            try await UpstreamBench.with { bench in
                try await bench.watcher.executeScript(
                    """
                    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        IF NEW.user_id = 'user-odd' THEN RAISE 'not today'; END IF;
                        RETURN NEW;
                    END $$;
                    CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse();
                    """
                )
                let upstream = bench.upstream()
                var orders = (0..<30).map { _ in anOrder() }
                orders[11] = anOrder(user: "user-odd")
                let answers = try await upstream.push(orders)
                #expect(answers.indices.filter { answers[$0].outcome == nil } == [11])
                #expect(try await bench.books() == [29, 29, 29])
                try await bench.watcher.executeScript("DROP TRIGGER refuse ON orders")
                #expect(try await upstream.outcomes(orders).allSatisfy { $0 == .accepted })
                #expect(try await bench.books() == [30, 30, 30])
                await upstream.disconnect()
            }
        }

        @Test func `a COMMIT whose answer does not come holds up an end for a second, not for its time-out`()
            async throws
        {
            try await UpstreamBench.with { bench in
                let proxy = try CuttingProxy(to: bench.configuration)
                proxy.cut(.swallowed("COMMIT\0"))
                var patient = try proxy.configuration(database: bench.name)
                patient.statementTimeout = .seconds(86_400)
                let upstream = bench.upstream(patient)
                let order = anOrder()
                let push = Task { try? await upstream.outcomes([order]) }
                while proxy.cuts == 0 { await Task.yield() }
                push.cancel()
                #expect(await push.value == nil)
                await upstream.disconnect()
                #expect(try await bench.upstream().outcomes([order]) == [.accepted])
                #expect(try await bench.books() == [1, 1, 1])
            }
        }

        @Test func `a server that dies in the middle of a push is found again, with nothing doubled`() async throws {
            try await UpstreamBench.with { bench in
                let upstream = bench.upstream()
                let orders = (0..<5).map { _ in anOrder() }
                try await bench.watcher.executeScript("BEGIN; LOCK TABLE receipts")
                let push = Task { await failure { _ = try await upstream.outcomes(orders) } }
                let second = try await PostgresConnection.connect(bench.configuration)
                var victims: PostgresRows?
                while victims?.isEmpty ?? true {
                    victims = try await second.execute(
                        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                }
                try await second.execute(
                    "SELECT pg_terminate_backend($1)",
                    [.int(try #require(victims?.first).read("pid", as: Int.self))]
                )
                let error = await push.value
                #expect(error?.remedy == .time(offline: true) || error?.remedy == .time(offline: false))
                try await bench.watcher.executeScript("ROLLBACK")
                #expect(try await upstream.outcomes(orders).allSatisfy { $0 == .accepted })
                #expect(try await bench.books() == [5, 5, 5])
                await second.close()
                await upstream.disconnect()
            }
        }

        @Test func `the connection cut after COMMIT, 200 times: every order once`() async throws {
            try await UpstreamBench.with { bench in
                try await bench.setStock(1, 150)
                let shop = try EdgeOrders(bench)
                let orders = try await shop.place(200)
                for _ in 0..<200 {
                    shop.proxy.cut(.beforeCommitIsConfirmed)
                    #expect(await shop.pushOnce() == false)
                    shop.proxy.cut(.never)
                    #expect(await shop.pushOnce())
                    await shop.lane.disconnect()
                }
                #expect(shop.proxy.cuts == 200)
                #expect(try await bench.books() == [200, 200, 200])
                #expect(try await bench.stock(1) == 0)
                let counts = try await shop.outbox.outboxCounts()
                #expect(counts.balances && counts.pending == 0)
                #expect([counts.accepted, counts.backordered] == [150, 50])
                #expect(orders.count == 200)
                try await shop.close()
            }
        }

        @Test func `the connection cut after any number of bytes: every order once`() async throws {
            try await UpstreamBench.with { bench in
                let shop = try EdgeOrders(bench, batch: 10)
                _ = try await shop.place(30)
                var limit = 0
                // A batch is some thousands of bytes: whoever gets no further has lost its server.
                while try await shop.outbox.outboxCounts().pending > 0, limit < 1_000_000 {
                    shop.proxy.cut(.afterClientBytes(limit))
                    limit += 97
                    await shop.pushOnce()
                    await shop.lane.disconnect()
                }
                #expect(shop.proxy.cuts > 20)
                #expect(try await bench.books() == [30, 30, 30])
                let counts = try await shop.outbox.outboxCounts()
                #expect(counts.balances && counts.accepted == 30)
                try await shop.close()
            }
        }
    }
}

/// A booth's shop with its outbox, and a lane that pushes by way of a proxy.
private final class EdgeOrders {
    let proxy: CuttingProxy
    let outbox: SQLiteOrderOutbox
    let lane: OrderUplink
    private let gate: OneBatch
    private let database: ShopDatabase
    private let store: SQLiteOrderStore
    private let readers: ConnectionPool<Reader>
    private let directory: TemporaryDirectory

    init(_ bench: UpstreamBench, batch: Int = 1) throws {
        directory = try TemporaryDirectory()
        database = try ShopDatabase(path: directory.file("shop.sqlite"))
        let tracer = ServiceTracer("sync", bench.spans)
        readers = database.readers("checkout", PoolConfiguration())
        store = SQLiteOrderStore(database: database, readers: readers, tracer: tracer)
        outbox = try database.outbox(tracer: tracer)
        proxy = try CuttingProxy(to: bench.configuration)
        gate = OneBatch(outbox: outbox)
        var options = OrderUplinkOptions()
        (options.batch, options.probe) = (batch, batch)
        lane = OrderUplink(
            outbox: gate,
            upstream: bench.upstream(try proxy.configuration(database: bench.name)),
            tracer: tracer,
            options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func place(_ count: Int) async throws -> [Order] {
        var orders: [Order] = []
        for _ in 0..<count {
            orders.append(try await store.place(OrderDraft(order: anOrder(), restocks: true)).order)
        }
        return orders
    }

    /// One batch, now.
    ///
    /// - Returns: Whether it was taken.
    @discardableResult
    func pushOnce() async -> Bool {
        gate.arm()
        await lane.tryNow()
        return await lane.round()
    }

    func close() async throws {
        await lane.disconnect()
        try await database.close()
    }
}

/// Lends one batch each time it is told to, so that a test sees each by itself.
private final class OneBatch: OrderOutbox {
    private let outbox: SQLiteOrderOutbox
    private let isArmed = Mutex(false)

    init(outbox: SQLiteOrderOutbox) { self.outbox = outbox }

    func arm() { isArmed.withLock { $0 = true } }

    func pending(among ids: [OrderID]) async throws -> [PendingOrder] { try await outbox.pending(among: ids) }

    func pending(limit: Int, passing passed: [OrderID]) async throws -> [PendingOrder] {
        let lends = isArmed.withLock { isArmed in
            defer { isArmed = false }
            return isArmed
        }
        return lends ? try await outbox.pending(limit: limit, passing: passed) : []
    }

    func settle(_ settlements: [OrderSettlement]) async throws { try await outbox.settle(settlements) }
    func outboxCounts() async throws -> OutboxCounts { try await outbox.outboxCounts() }
}
