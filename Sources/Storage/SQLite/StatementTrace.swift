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

    /// Records nothing: for seeding and for settings that are polled.
    static let none = StatementTrace(tracer: nil, context: .topLevel, conventions: .both)

    /// In the current task's context.
    init(_ tracer: ServiceTracer, _ conventions: DatabaseConventions) {
        self.init(tracer: tracer, context: .current ?? .topLevel, conventions: conventions)
    }

    private init(tracer: ServiceTracer?, context: InstrumentationContext, conventions: DatabaseConventions) {
        self.tracer = tracer
        self.context = context
        self.conventions = conventions
    }

    /// Begins a wait for a connection or the writer: a span of its own when it was long enough to matter.
    func beginWait(_ pool: String) -> PoolWait {
        PoolWait(
            since: .now,
            span: tracer?.startSpan(
                "wait for connection",
                context: context,
                attributes: ["db.client.connection.pool.name": .string(pool)]
            )
        )
    }

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

    /// Runs a statement in its span.
    func run<Result>(
        _ statement: SQL,
        _ db: Database,
        _ body: (Statement) throws -> Result
    ) throws -> Result {
        let span = start(statement)
        defer { span?.end() }
        do {
            return try body(try db.cachedStatement(sql: statement.text))
        } catch {
            let code = (error as? DatabaseError)?.extendedResultCode.description ?? "\(type(of: error))"
            span?.fail(code, (error as? DatabaseError)?.message ?? code)
            throw error
        }
    }
}

/// A wait under way.
struct PoolWait: Sendable {
    /// A shorter wait is the queue's own hand-over and would only hide the long ones.
    private static let worthShowing = Duration.milliseconds(1)

    let since: ContinuousClock.Instant
    let span: RecordedSpan?

    func end() {
        let wait = ContinuousClock.now - since
        // A span that is never ended is never recorded.
        guard wait >= Self.worthShowing else { return }
        span?.set("db.client.connection.wait_ms", .double(wait.milliseconds))
        span?.end()
    }

    func fail(_ error: StorageError) {
        span?.set("db.client.connection.wait_ms", .double((ContinuousClock.now - since).milliseconds))
        span?.fail(error.code.name, error.detail)
        span?.end()
    }
}

extension Duration {
    /// As a number of milliseconds.
    var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15
    }
}
