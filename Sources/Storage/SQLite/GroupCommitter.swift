import FileIdentity
import GRDB
import ServiceTracing
import Storage
import Synchronization
import Tracing

/// Puts the writes that wait at the same moment into one transaction, each in a savepoint of its own, so that one
/// fsync serves them all. A write that throws is rolled back alone.
final class GroupCommitter: Sendable {
    private struct Pending: Sendable {
        /// Runs in a savepoint; returns why it does not stand, nil when it does.
        let run: @Sendable (Database) -> (any Error)?
        let beginCommit: @Sendable (_ groupSize: Int) -> Void
        /// With the error of the commit, or nil when it is on disk.
        let finish: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var pending: [Pending] = []
        var isRunning = false
    }

    /// The most writes in one transaction: bounds how long the first waits for the last.
    private static let maximumGroup = 256

    private let writer: DatabaseQueue
    private let file: FileIdentity?
    private let door = Doorway()
    private let state = Mutex(State())

    /// - Parameter file: The database, which must be in its place for a commit to count.
    init(_ writer: DatabaseQueue, file: FileIdentity?) {
        self.writer = writer
        self.file = file
    }

    /// Runs a write and returns when it is on disk.
    ///
    /// - Throws: What the write throws; nothing of it remains then. Or what the commit throws.
    func commit<Result: Sendable>(
        trace: StatementTrace,
        _ write: @escaping @Sendable (Database, StatementTrace) throws -> Result
    ) async throws -> Result {
        try door.enter()
        defer { door.leave() }
        return try await withCheckedThrowingContinuation { continuation in
            let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
            let commit = Mutex<RecordedSpan?>(nil)
            let wait = trace.beginWait("sqlite writer")
            enqueue(
                Pending(
                    run: { db in
                        wait.end()
                        let result = Swift.Result { try Self.inSavepoint(db) { try write(db, trace) } }
                        outcome.withLock { $0 = result }
                        if case .failure(let error) = result { return error } else { return nil }
                    },
                    beginCommit: { size in
                        commit.withLock {
                            $0 = trace.start(Statements.commit, ["popshop.commit.group_size": .int(size)])
                        }
                    },
                    finish: { error in
                        commit.withLock { span in
                            if let error { span?.fail("storage_failed", String(describing: error)) }
                            span?.end()
                        }
                        let result = outcome.withLock { $0 }
                        // A write that has failed by itself says why, whatever became of the others' commit.
                        if case .failure(let own)? = result { return continuation.resume(throwing: own) }
                        if let error { return continuation.resume(throwing: error) }
                        guard let result else {
                            return continuation.resume(throwing: StorageError(.failed, "the write never ran"))
                        }
                        continuation.resume(with: result)
                    }
                )
            )
        }
    }

    /// Whether a commit would be found again.
    ///
    /// - Throws: `StorageError` `.unavailable` when the file has been moved or removed, or its disk has gone.
    func checkPlace() throws(StorageError) {
        guard let file, !file.isInPlace else { return }
        throw StorageError(.unavailable, "\(file.path) is not there any more")
    }

    /// How many writes stand in line.
    var waiting: Int { state.withLock { $0.pending.count } }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        try door.enter()
        defer { door.leave() }
        return try await writer.read(body)
    }

    /// Waits for what is under way; what comes later throws `StorageError` `.unavailable`.
    func close() async throws {
        guard await door.close() else { return }
        try await writer.writeWithoutTransaction { db in
            _ = try? db.checkpoint(.truncate)
        }
        try writer.close()
    }

    private func enqueue(_ pending: Pending) {
        let mustStart = state.withLock { state in
            state.pending.append(pending)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { commitNextGroup() }
    }

    /// One group a turn on the writer's queue, so that reads have theirs between two groups under any load.
    private func commitNextGroup() {
        writer.asyncWriteWithoutTransaction { db in
            self.commit(self.nextGroup(), in: db)
            // Nothing is queued for which nobody waits: the connection may be closed by then.
            let isDone = self.state.withLock { state in
                if state.pending.isEmpty { state.isRunning = false }
                return state.pending.isEmpty
            }
            if !isDone { self.commitNextGroup() }
        }
    }

    private func nextGroup() -> [Pending] {
        state.withLock { state in
            let group = Array(state.pending.prefix(Self.maximumGroup))
            state.pending.removeFirst(group.count)
            return group
        }
    }

    private func commit(_ group: [Pending], in db: Database) {
        do {
            try checkPlace()
            try db.beginTransaction(.immediate)
            var standing: [Pending] = []
            for pending in group {
                let error = pending.run(db)
                // A full disk can roll the whole transaction back; what came after would run outside of any.
                guard db.isInsideTransaction else {
                    throw error ?? StorageError(.unavailable, "the transaction was rolled back")
                }
                if error == nil { standing.append(pending) }
            }
            if standing.isEmpty {
                try db.rollback()
            } else {
                for pending in standing { pending.beginCommit(standing.count) }
                try db.commit()
                // What went into a file that has gone meanwhile is not acknowledged.
                try checkPlace()
            }
        } catch {
            if db.isInsideTransaction { try? db.rollback() }
            for pending in group { pending.finish(error) }
            return
        }
        for pending in group { pending.finish(nil) }
    }

    private static func inSavepoint<Result>(_ db: Database, _ body: () throws -> Result) throws -> Result {
        try db.cachedStatement(sql: "SAVEPOINT write").execute()
        do {
            let result = try body()
            try db.cachedStatement(sql: "RELEASE write").execute()
            return result
        } catch {
            // Some errors have rolled the whole transaction back already; then there is no savepoint any more.
            if db.isInsideTransaction {
                try? db.cachedStatement(sql: "ROLLBACK TO write").execute()
                try? db.cachedStatement(sql: "RELEASE write").execute()
            }
            throw error
        }
    }
}
