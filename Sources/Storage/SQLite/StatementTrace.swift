import Faults
import GRDB
import ServiceTracing
import Storage
import Tracing

/// Makes a CLIENT span for each executed statement, as a child of the request that asked for it.
///
/// Statements run on the connection's own queue, where no task-local is to be had: so the context is carried here.
struct StatementTrace: Sendable {
    private let tracer: ServiceTracer?
    private let context: InstrumentationContext
    private let conventions: DatabaseConventions
    private let slowQuery: SlowQuery?

    /// Records nothing: for seeding and for settings that are polled.
    static let none = StatementTrace(tracer: nil, context: .topLevel, conventions: .both, slowQuery: nil)

    /// In the current task's context.
    ///
    /// - Parameter faults: Slow what can be slowed; nil on the one writer, which is never put to sleep.
    init(_ tracer: ServiceTracer, _ conventions: DatabaseConventions, slowedBy faults: ServiceFaults? = nil) {
        let context = InstrumentationContext.current ?? .topLevel
        self.init(
            tracer: tracer,
            context: context,
            conventions: conventions,
            // Who only watches is not slowed.
            slowQuery: context.isSuppressed ? nil : SlowQuery(faults)
        )
    }

    private init(
        tracer: ServiceTracer?,
        context: InstrumentationContext,
        conventions: DatabaseConventions,
        slowQuery: SlowQuery?
    ) {
        self.tracer = tracer
        self.context = context
        self.conventions = conventions
        self.slowQuery = slowQuery
    }

    /// Whether reads are slowed now.
    var isSlowed: Bool { slowQuery != nil }

    /// Whether this is for somebody who only watches.
    var isOfWatcher: Bool { context.isSuppressed }

    /// Begins a wait for a connection or the writer: a span of its own when it was long enough to matter.
    func beginWait(_ pool: String) -> ConnectionWait { ConnectionWait(for: pool, tracer, context) }

    func start(_ statement: SQL, _ attributes: Attributes = [:]) -> RecordedSpan? {
        guard let tracer else { return nil }
        let operation = statement.operation(conventions)
        let span = tracer.startSpan(
            operation.spanName,
            kind: .client,
            context: context,
            attributes: operation.attributes
        )
        if !attributes.all.isEmpty { span.set(attributes) }
        return span
    }

    /// Runs a statement that reads in its span, slowed while that fault is on.
    func read<Result>(
        _ statement: SQL,
        _ arguments: StatementArguments,
        _ db: Database,
        _ body: (Statement) throws -> Result
    ) throws -> Result {
        guard let slowQuery, let slowed = statement.slowed(slowQuery.way) else {
            return try run(statement, db) { statement in
                try statement.setArguments(arguments)
                return try body(statement)
            }
        }
        var arguments = arguments
        if slowQuery.way == .sleep { arguments += [SQL.sleepParameter: slowQuery.strength] }
        let rows = slowQuery.way == .scan ? try Int.fetchOne(db, sql: Self.countOfRows) ?? 0 : 0
        let begun = ContinuousClock.now
        return try run(slowed, db) { statement, span in
            defer {
                let took = (ContinuousClock.now - begun) / .milliseconds(1)
                slowQuery.count(milliseconds: took)
                span?.setSlowQuery(milliseconds: took, rowsScanned: slowQuery.way == .scan ? rows : nil)
            }
            try statement.setArguments(arguments)
            return try body(statement)
        }
    }

    /// Quick, since nothing was ever taken out of the midst of it.
    private static let countOfRows = "SELECT max(id) FROM price_history"

    /// Runs a statement in its span.
    func run<Result>(
        _ statement: SQL,
        _ db: Database,
        _ body: (Statement) throws -> Result
    ) throws -> Result {
        try run(statement, db) { statement, _ in try body(statement) }
    }

    private func run<Result>(
        _ statement: SQL,
        _ db: Database,
        _ body: (Statement, RecordedSpan?) throws -> Result
    ) throws -> Result {
        let span = start(statement)
        defer { span?.end() }
        do {
            return try body(try db.cachedStatement(sql: statement.text), span)
        } catch {
            let code = (error as? DatabaseError)?.extendedResultCode.description ?? "\(type(of: error))"
            span?.fail(code, (error as? DatabaseError)?.message ?? code)
            throw error
        }
    }
}
