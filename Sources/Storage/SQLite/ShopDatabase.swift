import Assets
public import ConnectionPool
import FileIdentity
import Fixtures
import FoundationEssentials
import GRDB
public import ServiceTracing
public import Storage

/// The shop's database on SQLite: one file, one connection that writes it, and pools of connections that only read.
///
/// Commits are `synchronous=FULL`: an acknowledged order is on disk. One connection writes and checkpoints, all others
/// are read-only, because SQLite before 3.51.3 can corrupt a WAL database when one checkpoints while another commits.
public final class ShopDatabase: Sendable {
    /// The shop's own name upstream, made when the file was: 32 hex digits.
    public let edgeID: String
    let committer: GroupCommitter
    /// Which names the spans of its statements carry.
    let conventions: DatabaseConventions
    let path: String

    /// Opens or creates the file, applies `schema/sqlite/shop` and plants the seed data.
    ///
    /// - Throws: `StorageError`: `.corrupt` for a file that is no sound database, which is left as it is.
    public init(
        path: String,
        conventions: DatabaseConventions = .both,
        now: Int64 = ShopDatabase.milliseconds
    ) throws(StorageError) {
        self.path = path
        self.conventions = conventions
        do {
            let writer = try Self.openWriter(path)
            try Migrator.migrate(writer, folder: "schema/sqlite/shop")
            edgeID = try Seeding.plant(in: writer, now: now)
            committer = GroupCommitter(writer, file: FileIdentity(path: path))
        } catch {
            throw StorageError(sqlite: error, path: path)
        }
    }

    /// A pool of read-only connections of one service.
    public func readers(_ name: String, _ configuration: PoolConfiguration) -> ConnectionPool<Reader> {
        ConnectionPool(name: name, configuration: configuration) { [path] in try Reader(path: path) }
    }

    /// Waits for commits under way, checkpoints and closes. Later writes throw; the readers live as long as their pools.
    public func close() async throws(StorageError) {
        do {
            try await committer.close()
        } catch {
            throw StorageError(sqlite: error, path: path)
        }
    }

    /// Milliseconds since 1970, UTC.
    public static var milliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    private static func openWriter(_ path: String) throws -> DatabaseQueue {
        try checkSoundness(path)
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(5)
        configuration.label = "popshop.shop.writer"
        let writer = try DatabaseQueue(path: path, configuration: configuration)
        try writer.writeWithoutTransaction { db in
            // GRDB sets NORMAL with the WAL mode, after prepareDatabase: so this comes after opening.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA journal_size_limit = 16777216")
        }
        return writer
    }

    /// A small file is checked whole; a large one would make the shop open slowly, and shows its damage when read. By a
    /// connection that only reads: opening for writing in WAL mode writes, and a damaged file is to be left as it is.
    private static func checkSoundness(_ path: String) throws {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        guard let size, size > 0, let queue = try Reader.queueUnlessUnfinished(path) else { return }
        defer { try? queue.close() }
        try queue.read { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            guard pages < 8192 else { return }
            let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "ok"
            guard verdict == "ok" else { throw StorageError(.corrupt, "\(path): \(verdict)") }
        }
    }
}

/// One read-only connection.
public struct Reader: Sendable {
    let queue: DatabaseQueue

    init(path: String) throws(StorageError) {
        do {
            queue = try Self.open(path)
        } catch {
            throw StorageError(sqlite: error, path: path)
        }
    }

    /// Nil where a rollback journal has to be played back, which only a writer may do. A shop keeps none: it was killed while
    /// it made the file, and there is nothing in it.
    static func queueUnlessUnfinished(_ path: String) throws -> DatabaseQueue? {
        do {
            return try open(path)
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_READONLY_ROLLBACK {
            return nil
        }
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.label = "popshop.shop.reader"
        configuration.prepareDatabase { db in SleepFunction.add(to: db) }
        return try DatabaseQueue(path: path, configuration: configuration)
    }
}
