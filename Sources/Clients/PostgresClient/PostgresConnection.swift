import CLibPQ
import Dispatch
import QueueExecutor
import Synchronization

/// One connection to a Postgres: an actor on a queue of its own over non-blocking libpq.
///
/// It does one statement at a time; a second one meanwhile is refused, not queued. Session state (`SET`, temporary
/// tables, advisory locks) stays with the connection, so one that is lent by a pool should be left as it was found.
public actor PostgresConnection {
    /// What ends the wait for an answer before it has come.
    enum Interruption {
        case timeout, cancelled
        /// It is not to be cancelled, and has had the time that there is.
        case abandoned
    }

    public nonisolated let configuration: PostgresConfiguration

    let executor = QueueExecutor(label: "popshop.postgres")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Nil before it is connected and after it is closed.
    var session: Session?
    var reading: DescriptorWatch?
    var writing: DescriptorWatch?
    /// Names of prepared statements by their text.
    var statements: [String: String] = [:]
    var namesGiven = 0

    /// The number of the statement that is under way; a late timer or cancellation of an earlier one finds another.
    var exchange: UInt64 = 0
    var isExecuting = false
    var waiter: CheckedContinuation<Void, Never>?
    var interruption: Interruption?
    var isCancelReturned = true
    var deadline: ContinuousClock.Instant?
    var timer: QueueTimer?
    var nudge: QueueTimer?

    private let reusable = Atomic(false)

    /// Whether the next one who borrows it can use it: connected, no statement under way, no transaction open. Another
    /// thread's view; the server may hang up at any moment.
    public nonisolated var isReusable: Bool { reusable.load(ordering: .acquiring) }

    init(_ configuration: PostgresConfiguration) { self.configuration = configuration }

    /// Hangs up; returns when the descriptors are closed. What comes after fails with `connectionLost`.
    public func close() async {
        guard let reading else { return hangUp() }
        hangUp()
        await withCheckedContinuation { done in reading.cancel(on: executor.queue) { done.resume() } }
    }

    /// Hangs up without waiting for it.
    nonisolated func closeSoon() {
        executor.queue.async { self.assumeIsolated { $0.hangUp() } }
    }

    /// The server's process, as `pg_stat_activity` numbers it; 0 when there is no connection.
    public var backendID: Int { session.map { Int(PQbackendPID($0.raw)) } ?? 0 }

    /// Executes one statement.
    ///
    /// The whole answer is kept in memory. With `preparesStatements` the text is prepared the first time, so it should
    /// not have values in it; that is what parameters are for.
    ///
    /// - Parameter timeout: Instead of the configuration's.
    /// - Throws: `PostgresError`. After `timeout`, `cancelled` and `server` the connection is usable if it is still
    ///   open. An answer that comes in spite of a time-out or cancellation is returned.
    @discardableResult
    public func execute(
        _ sql: String,
        _ parameters: [PostgresValue] = [],
        timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let limits = Limits(timeout: timeout ?? configuration.statementTimeout)
        let isInTransaction = transactionStatus != PQTRANS_IDLE
        do {
            return try await execute(PostgresStatement(sql, parameters), limits, prepares: true)
        } catch {
            // The plan is of before a change of the schema, or somebody has deallocated it: nothing was executed.
            guard let state = error.code.serverState, ["0A000", "26000"].contains(state),
                statements.removeValue(forKey: sql) != nil, !isInTransaction
            else { throw error }
        }
        return try await execute(PostgresStatement(sql, parameters), limits, prepares: true)
    }

    /// Executes several statements without parameters, by the simple protocol: for DDL that was compiled in, never for
    /// a text that was put together. Outside a transaction it is one of its own.
    ///
    /// - Throws: `PostgresError`.
    public func executeScript(_ script: String, timeout: Duration? = nil) async throws(PostgresError) {
        let limits = Limits(timeout: timeout ?? configuration.statementTimeout)
        let results = try await perform(limits) { PQsendQuery($0, script) == 1 }
        if let error = results.joined().first(where: \.isError) { throw ErrorText.server(error, []) }
    }

    /// Executes a statement of this client's own, such as COMMIT.
    func command(_ sql: String, isCancellable: Bool) async throws(PostgresError) -> PostgresRows {
        let limits = Limits(timeout: configuration.statementTimeout, isCancellable: isCancellable)
        return try await execute(PostgresStatement(sql), limits, prepares: false)
    }

    var transactionStatus: PGTransactionStatusType { session.map { PQtransactionStatus($0.raw) } ?? PQTRANS_UNKNOWN }

    func publish() {
        let isReusable = session?.isBroken == false && !isExecuting && transactionStatus == PQTRANS_IDLE
        reusable.store(isReusable, ordering: .releasing)
    }

    func hangUp() {
        reading?.cancel(on: executor.queue)
        writing?.cancel(on: executor.queue)
        (session, reading, writing, timer, nudge) = (nil, nil, nil, nil, nil)
        statements = [:]
        publish()
        wake()
    }
}
