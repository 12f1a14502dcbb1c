import Assets
import GRDB

/// How this room opens SQLite files.
enum BufferDatabase {
    /// The one connection that writes and checkpoints a file (TELEMETRY, promise 9), with its schema brought up to date.
    ///
    /// - Throws: `DatabaseError`; `NewerSchema` when a later version of the shop wrote the file.
    static func writer(_ path: String, schema: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(1)
        // Four MiB of pages hold a batch and what it touches. Sixteen made the process 14 MB larger, and traces of two
        // spans half as fast: 75k spans a second against 140k.
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = NORMAL;
                    PRAGMA journal_size_limit = 8388608;
                    PRAGMA cache_size = -4096;
                    """
            )
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try migrate(queue, Asset.under(schema))
        return queue
    }

    /// A connection that only reads.
    ///
    /// - Throws: `DatabaseError`.
    static func reader(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(1)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// The files of a folder in order; `user_version` says how many have been run.
    private static func migrate(_ queue: DatabaseQueue, _ steps: [Asset]) throws {
        precondition(!steps.isEmpty, "the schema is compiled in")
        try queue.write { db in
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard (0...steps.count + mostNewerSteps).contains(version) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a version that cannot be")
            }
            if version > steps.count { throw NewerSchema(version: version) }
            for step in steps[version...] { try db.execute(sql: step.text) }
            if version < steps.count { try db.execute(sql: "PRAGMA user_version = \(steps.count)") }
        }
    }

    /// A version that is higher by more was not written by a later shop, but by a bad disk.
    private static let mostNewerSteps = 1_000

    /// More than any file can hold: a number that is higher was not written by us, and sums of such ones would overflow.
    static let mostSpans = 1 << 48

    /// Whether an error says that there is no such file.
    static func isMissing(_ error: any Error) -> Bool { (error as? DatabaseError)?.resultCode == .SQLITE_CANTOPEN }

    /// Whether an error may say that the disk is full: SQLite tells some of it as a failure to read or write.
    static func isLackOfRoom(_ error: any Error) -> Bool {
        [.SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN].contains((error as? DatabaseError)?.resultCode)
    }

    /// Whether an error says that a rollback journal has to be played back, which only a writer may do. The buffer keeps
    /// none: a shop was killed while it made the file, and there is nothing in it.
    static func isUnfinished(_ error: any Error) -> Bool {
        (error as? DatabaseError)?.extendedResultCode == .SQLITE_READONLY_ROLLBACK
    }

    /// Whether an error says that the file itself is bad, so that trying again is of no use.
    static func isCorruption(_ error: any Error) -> Bool {
        if error is RowDecodingError || error is SliceUnreadable || isSuspicion(error) { return true }
        return (error as? DatabaseError)?.resultCode == .SQLITE_ERROR
    }

    /// Whether an error that says so may be a connection's own, which the disk has failed before.
    static func isSuspicion(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
            || error.extendedResultCode == .SQLITE_IOERR_SHORT_READ
    }
}

/// A file that has been moved or removed since it was opened, or whose disk has gone: what is written to it is not kept.
struct FileGone: Error, CustomStringConvertible {
    let path: String

    var description: String { "\(path) is not there any more" }
}

/// A file written by a later version of the shop, which is left as it is: what waits in it is that version's to send.
public struct NewerSchema: Error, CustomStringConvertible {
    let version: Int

    public var description: String { "it was written by a newer version of PopShop (schema \(version))" }
}
