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
