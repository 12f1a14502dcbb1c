import Commerce
import ConnectionPool
import Dispatch
import GRDB
import ServiceTracing
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

@Suite(.timeLimit(.minutes(15)))
struct GroupCommitTests {
    @Test("The writer commits with synchronous=FULL in WAL mode: an acknowledged order is on disk")
    func durability() async throws {
        let shop = try SQLiteShop()
        let (synchronous, mode) = try await shop.database.committer.read { db in
            (try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"))
        }
        #expect(synchronous == 2 && mode == "wal")
        let order = Purchases.order()
        _ = try await shop.orders.place(OrderDraft(order: order, restocks: false))
        let onDisk = try await DatabaseQueue(path: shop.path).read { db in
            try String.fetchOne(db, sql: "SELECT user_id FROM orders WHERE id = ?", arguments: [order.id.description])
        }
        #expect(onDisk == "user-1")
    }

    @Test("Orders that wait at the same moment share one commit")
    func grouped() async throws {
        let shop = try SQLiteShop()
        let gate = Gate(shop)
        try await withThrowingTaskGroup(of: Void.self) { group in
            await gate.hold()
            for _ in 0..<20 { group.addTask { _ = try await shop.orders.place(Purchases.draft(3)) } }
            await shop.untilWaiting(20)
            gate.release()
            try await group.waitForAll()
        }
        let sizes = shop.spans.named("COMMIT").map { $0.int("popshop.commit.group_size") }
        #expect(sizes == Array(repeating: 20, count: 20))
        #expect(try await shop.orders.outboxCounts().enqueued == 20)
    }

    @Test("A write that throws in a group is rolled back alone, and says why")
    func alone() async throws {
        let shop = try SQLiteShop()
        let committer = shop.database.committer
        let trace = StatementTrace(shop.tracer, .both)
        let gate = Gate(shop)
        await withTaskGroup(of: Bool.self) { group in
            await gate.hold()
            for index in 0..<10 {
                group.addTask {
                    do {
                        try await committer.commit(trace: trace) { db, _ in
                            try db.execute(
                                sql: "INSERT INTO settings (name, value) VALUES (?, 'x')",
                                arguments: ["name-\(index)"]
                            )
                            if index % 2 == 1 { throw Refused(index: index) }
                        }
                        return true
                    } catch {
                        return (error as? Refused)?.index != index
                    }
                }
            }
            await shop.untilWaiting(10)
            gate.release()
            #expect(await group.reduce(0) { $0 + ($1 ? 1 : 0) } == 5)
        }
        #expect(shop.spans.named("COMMIT").map { $0.int("popshop.commit.group_size") } == [5, 5, 5, 5, 5])
        let names = try await committer.read { db in
            try String.fetchAll(db, sql: "SELECT name FROM settings WHERE value = 'x' ORDER BY name")
        }
        #expect(names == ["name-0", "name-2", "name-4", "name-6", "name-8"])
    }

    @Test("A group in which every write throws commits nothing, and the next one is whole")
    func noneStands() async throws {
        let shop = try SQLiteShop()
        await #expect(throws: OrderRefusal.outOfStock(ProductID(7), available: 15)) {
            try await shop.orders.place(Purchases.draft(7, quantity: 16))
        }
        #expect(shop.spans.named("COMMIT").isEmpty)
        _ = try await shop.orders.place(Purchases.draft(7, quantity: 15))
        #expect(shop.spans.named("COMMIT").count == 1)
    }

    @Test("Reads of the writer have their turn while writes keep coming")
    func readsBetween() async throws {
        let shop = try SQLiteShop()
        let gate = Gate(shop)
        await gate.hold()
        // More than a group holds, so that there are two groups with the read between them.
        let writes = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<300 { group.addTask { try await shop.database.setDemoMode(.blackfriday) } }
                try await group.waitForAll()
            }
        }
        await shop.untilWaiting(300)
        let read = Task { try await shop.database.demoMode() }
        gate.release()
        _ = try await read.value
        try await writes.value
        #expect(try await shop.database.demoMode() == .blackfriday)
    }

    @Test("On a full disk an order is refused cleanly, and later ones succeed")
    func diskFull() async throws {
        let shop = try SQLiteShop(pool: PoolConfiguration(size: 50))
        let pages = try await shop.limitPages(to: 0)
        let gate = Gate(shop)
        let refusals = try await withThrowingTaskGroup(of: StorageError.Code?.self) { group in
            await gate.hold()
            for index in 0..<50 {
                let user = String(repeating: "u", count: 2000) + "\(index)"
                group.addTask {
                    do {
                        _ = try await shop.orders.place(Purchases.draft(3, user: user))
                        return nil
                    } catch let error as StorageError {
                        return error.code
                    }
                }
            }
            await shop.untilWaiting(50)
            gate.release()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let placed = refusals.count { $0 == nil }
        #expect(placed < 50 && refusals.allSatisfy { $0 == nil || $0 == .diskFull })
        let counts = try await shop.orders.outboxCounts()
        #expect(counts.enqueued == placed && counts.pending == placed)
        #expect(try await shop.orders.orders(of: nil, limit: 500).count == 10 + placed)
        #expect(try await shop.catalog.product(ProductID(3))?.stockQuantity == 500 - placed)

        _ = try await shop.limitPages(to: pages + 10_000)
        _ = try await shop.orders.place(Purchases.draft(3, user: "later"))
        #expect(try await shop.orders.orders(of: .init(rawValue: "later"), limit: 1).count == 1)
        let verdict = try await shop.database.committer.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
        #expect(verdict == "ok")
    }

    private struct Refused: Error { let index: Int }
}

/// Keeps the writer busy, so that writes gather behind it.
private final class Gate: Sendable {
    private let shop: SQLiteShop
    private let open = DispatchSemaphore(value: 0)

    init(_ shop: SQLiteShop) { self.shop = shop }

    /// Returns when the writer is held.
    func hold() async {
        let (held, report) = AsyncStream.makeStream(of: Void.self)
        Task { [shop, open] in
            try await shop.database.committer.read { _ in
                report.finish()
                open.wait()
            }
        }
        for await _ in held {}
    }

    func release() { open.signal() }
}

extension SQLiteShop {
    fileprivate func untilWaiting(_ count: Int) async {
        while database.committer.waiting < count { await Task.yield() }
    }

    /// Lets the file grow no further than this, or than it is; its size in pages.
    fileprivate func limitPages(to count: Int) async throws -> Int {
        try await database.committer.commit(trace: .none) { db, _ in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(max(pages, count))")
            return pages
        }
    }
}
