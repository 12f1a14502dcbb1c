import ConnectionPool
import Foundation
import GRDB
import Storage
import TestSupport
import Testing

@testable import SQLiteStorage

struct DatabaseFileTests {
    @Test("Migrations are recorded, and a shop opened again is the same shop")
    func openedTwice() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shop.sqlite")
        let first = try ShopDatabase(path: path)
        let readers = first.readers("checkout", .init(size: 1))
        let store = SQLiteOrderStore(database: first, readers: readers, tracer: .init("checkout", SpanCollector()))
        let order = Purchases.order(1, quantity: 5)
        _ = try await store.place(OrderDraft(order: order, restocks: false))
        try await first.close()

        let second = try ShopDatabase(path: path)
        #expect(second.edgeID == first.edgeID && second.edgeID.count == 32)
        let (migrations, stock, orders) = try await second.committer.read { db in
            (
                try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations"),
                try Int.fetchOne(db, sql: "SELECT stock_quantity FROM products WHERE id = 1"),
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM orders")
            )
        }
        #expect(migrations == ["001_shop", "002_order_outcomes", "003_price_history"])
        #expect(stock == 45 && orders == 11)
        try await second.close()
        let outside = try #require(try ShopDatabase.outboxCounts(path: path))
        #expect(outside.edgeID == first.edgeID && outside.counts.pending == 1 && outside.counts.balances)
    }

    @Test("There are no books where there is no file, and asking makes none")
    func noFile() throws {
        let directory = try TemporaryDirectory()
        #expect(try ShopDatabase.outboxCounts(path: directory.file("shop.sqlite")) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test(
        "A file that a shop was killed over before there was anything in it has no books either",
        arguments: ["", "PRAGMA journal_mode = WAL", "CREATE TABLE grdb_migrations (identifier TEXT PRIMARY KEY)"]
    )
    func unfinished(sql: String) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shop.sqlite")
        try await DatabaseQueue(path: path).writeWithoutTransaction { db in try db.execute(sql: sql) }
        #expect(try ShopDatabase.outboxCounts(path: path) == nil)
    }

    @Test("A file that a shop was killed over while it was made has no books, and a shop opens on it")
    func journal() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shop.sqlite")
        try Journal.leave(at: path)
        #expect(try ShopDatabase.outboxCounts(path: path) == nil)
        let shop = try ShopDatabase(path: path)
        #expect(try await shop.migrations().count == 3)
        try await shop.close()
    }

    @Test("A database of a newer popshop is refused")
    func newer() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shop.sqlite")
        try await ShopDatabase(path: path).close()
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('999_future')")
        }
        let error = #expect(throws: StorageError.self) { try ShopDatabase(path: path) }
        #expect(error?.code == .failed && error?.detail.contains("newer") == true)
    }

    @Test(
        "A file that is no database is corrupt, and is left as it is",
        arguments: [
            "this is no database at all, but a letter that somebody has saved here.",
            String(repeating: "\u{0}", count: 8192), String(repeating: "SQLite format 3\u{0}", count: 512),
            "SQLite format 3\u{0}",
        ]
    )
    func garbage(content: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("shop.sqlite")
        let bytes = Data(content.utf8)
        try bytes.write(to: URL(filePath: path))
        let error = #expect(throws: StorageError.self) { try ShopDatabase(path: path) }
        #expect(error?.code == .corrupt)
        #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
    }

    @Test("A file with a damaged page is corrupt, and is left as it is")
    func flippedBytes() async throws {
        let directory = try TemporaryDirectory()
        let original = directory.file("original.sqlite")
        try await ShopDatabase(path: original).close()
        let sound = try Data(contentsOf: URL(filePath: original))
        let pages = sound.count / 4096
        try #require(pages > 10)
        for page in 0..<pages {
            // The kind of the page, and the number of its cells: what a flipped byte there breaks is always noticed.
            let header = page == 0 ? 100 : page * 4096
            for offset in [header, header + 3] {
                var damaged = sound
                damaged[offset] ^= 0xff
                let path = directory.file("damaged-\(offset).sqlite")
                try damaged.write(to: URL(filePath: path))
                let error = #expect(throws: StorageError.self, "byte \(offset)") { try ShopDatabase(path: path) }
                #expect(error?.code == .corrupt, "byte \(offset)")
                #expect(try Data(contentsOf: URL(filePath: path)) == damaged, "byte \(offset)")
            }
        }
        var magic = sound
        magic[0] ^= 0x20
        try magic.write(to: URL(filePath: original))
        let error = #expect(throws: StorageError.self) { try ShopDatabase(path: original) }
        #expect(error?.code == .corrupt)
        #expect(try Data(contentsOf: URL(filePath: original)) == magic)
    }

    @Test("A path that cannot be opened is unavailable")
    func noFolder() throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: StorageError.self) { try ShopDatabase(path: directory.file("no/such/shop.sqlite")) }
        #expect(error?.code == .unavailable)
    }

    @Test("An order is not acknowledged while the file is not in its place, and nothing is written")
    func movedAway() async throws {
        let directory = try TemporaryDirectory()
        let (path, elsewhere) = (directory.file("shop.sqlite"), directory.file("elsewhere.sqlite"))
        let shop = try ShopDatabase(path: path)
        let readers = shop.readers("checkout", .init(size: 1))
        let store = SQLiteOrderStore(database: shop, readers: readers, tracer: .init("checkout", SpanCollector()))
        try await store.checkPlace()
        try FileManager.default.moveItem(atPath: path, toPath: elsewhere)
        for other in [false, true] {
            if other { try Data().write(to: URL(filePath: path)) }
            var error = await #expect(throws: StorageError.self) { try await store.place(Purchases.draft()) }
            #expect(error?.code == .unavailable)
            error = await #expect(throws: StorageError.self) { try await store.checkPlace() }
            #expect(error?.code == .unavailable)
        }
        #expect(try await store.outboxCounts().enqueued == 0)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: elsewhere, toPath: path)
        _ = try await store.place(Purchases.draft())
        #expect(try await store.outboxCounts().enqueued == 1)
        try await shop.close()
    }

    @Test("A reading connection cannot write")
    func readOnly() async throws {
        let shop = try SQLiteShop()
        let reader = try await shop.readers.lease()
        defer { reader.release() }
        for sql in ["DELETE FROM orders", "UPDATE products SET stock_quantity = 0", "CREATE TABLE t (x)"] {
            let error = await #expect(throws: DatabaseError.self) {
                try await reader.connection.queue.unsafeRead { try $0.execute(sql: sql) }
            }
            #expect(error?.resultCode == .SQLITE_READONLY)
        }
    }

    @Test("What comes after closing throws, and does not crash")
    func closed() async throws {
        let shop = try SQLiteShop()
        try await shop.database.close()
        await #expect(throws: StorageError.self) { try await shop.orders.place(Purchases.draft()) }
        await #expect(throws: StorageError.self) { try await shop.database.demoMode() }
    }
}

/// A rollback journal that has to be played back, as a kill in the midst of a commit leaves it.
private enum Journal {
    static func leave(at path: String) throws {
        let queue = try DatabaseQueue(path: path + "-made")
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "CREATE TABLE t (x); PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN")
            // More than the cache holds: so the journal is synced, and the file written to before the commit.
            for _ in 0..<100 { try db.execute(sql: "INSERT INTO t VALUES (zeroblob(4000))") }
            for suffix in ["", "-journal"] {
                try FileManager.default.copyItem(atPath: path + "-made" + suffix, toPath: path + suffix)
            }
            try db.execute(sql: "ROLLBACK; DROP TABLE t")
        }
    }
}
