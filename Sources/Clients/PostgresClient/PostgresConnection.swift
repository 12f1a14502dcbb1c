import CLibPQ
import Readiness
import Synchronization

/// One connection to a Postgres: an actor over non-blocking libpq, which works on the thread of whoever calls it and
/// blocks none while it waits.
///
/// It does one statement at a time; a second one meanwhile is refused, not queued. Session state (`SET`, temporary
/// tables, advisory locks) stays with the connection, so one that is lent by a pool should be left as it was found.
public actor PostgresConnection {
    public nonisolated let configuration: PostgresConfiguration

    /// Nil before it is connected and after it is closed.
    var session: Session?
    /// Names of prepared statements by their text.
    var statements: [String: String] = [:]
    private var namesGiven = 0

    /// What is under way.
    var exchange: Exchange?
    lazy var timer = DeadlineTimer { [weak self] in Task { await self?.timerIsDue() } }
    var nudge: Task<Void, any Error>?

    /// The readiness of a connection that the next one who borrows it can use; nil when there is none.
    private let idle = Mutex<Readiness?>(nil)

    init(_ configuration: PostgresConfiguration) { self.configuration = configuration }

    /// Whether the next one who borrows it can use it: connected, no statement under way, no transaction open, and
    /// nothing unread, which is mostly the server's farewell. The server may hang up at any moment.
    public nonisolated var isReusable: Bool { idle.withLock { $0?.isQuiet ?? false } }

    /// As `isReusable`, without a look at what has come.
    nonisolated var isIdle: Bool { idle.withLock { $0 != nil } }

    /// Reads what has come without being asked for, such as a notice or the server's farewell.
    ///
    /// - Returns: Whether the next one who borrows it can use it.
    func readUnasked() -> Bool {
        guard let session, exchange == nil else { return false }
        let isAlive = session.consume()
        if PQisBusy(session.raw) != 0 || !isAlive || session.isBroken { hangUp() }
        return isReusable
    }

    /// Hangs up; returns when the descriptors are closed. What comes after fails with `connectionLost`.
    public func close() { hangUp() }

    /// Hangs up without waiting for it.
    nonisolated func closeSoon() { Task { await close() } }

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

    func nextName() -> String {
        namesGiven += 1
        return "popshop_\(namesGiven)"
    }

    func publish() {
        let isIdle = session?.isBroken == false && exchange == nil && transactionStatus == PQTRANS_IDLE
        idle.withLock { $0 = isIdle ? session?.readiness : nil }
    }

    func hangUp() {
        let readiness = session?.readiness
        session = nil
        statements = [:]
        publish()
        // Whoever waits for an answer finds that there is no session any more.
        readiness?.wake()
    }
}
