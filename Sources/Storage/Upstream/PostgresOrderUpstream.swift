public import Commerce
public import PostgresClient
public import ServiceTracing
public import Storage
import Tracing

/// The Postgres that booths push their orders to.
///
/// A batch is one transaction: its receipts, orders, items and stock. There is no savepoint an order, which would be a
/// round trip each over a line that may be slow: a batch with an order in it that Postgres refuses is halved until that
/// one is alone, so that a bad order costs a few more transactions and the others wait for nothing.
public actor PostgresOrderUpstream: OrderUpstream {
    private var configuration: PostgresConfiguration
    private let statements: PushStatements
    private let tracer: ServiceTracer
    private var connection: PostgresConnection?

    /// - Parameter tracer: Shows each statement, in the current task's context.
    public init(
        _ configuration: PostgresConfiguration,
        tracer: ServiceTracer,
        conventions: DatabaseConventions = .both
    ) {
        self.configuration = configuration
        // A proxy may share the server's connections between clients, and a prepared statement would be another's.
        self.configuration.preparesStatements = false
        self.tracer = tracer
        statements = PushStatements(configuration.url, conventions)
    }

    public func connect() async throws {
        _ = try await translating { try await connected() }
    }

    public func push(_ orders: [Order]) async throws -> [PushAnswer] {
        try await translating {
            try await push(orders.map { ($0, OrderPayload($0)) }[...], try await connected())
        }
    }

    public func disconnect() async {
        let connection = connection
        self.connection = nil
        await connection?.close()
    }

    /// After a failure the next try begins anew, with a connection and the schema's check.
    private func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            await disconnect()
            guard let error = error as? PostgresError else { throw error }
            if error.code == .cancelled { throw CancellationError() }
            throw OrderUpstreamError(error)
        }
    }

    /// The connection; a new one only to an upstream that has this popshop's schema.
    private func connected() async throws -> PostgresConnection {
        if let connection, connection.isReusable { return connection }
        await disconnect()
        let connection = try await PostgresConnection.connect(configuration)
        self.connection = connection
        if let advice = try await UpstreamMigrator.schemaVersion(connection).advice {
            throw OrderUpstreamError(.person, advice)
        }
        return connection
    }

    private typealias Batch = ArraySlice<(order: Order, payload: OrderPayload)>

    private func push(_ batch: Batch, _ connection: PostgresConnection) async throws -> [PushAnswer] {
        var triesLeft = 3
        while true {
            triesLeft -= 1
            do {
                return try await pushAtOnce(batch, connection).map(PushAnswer.decided)
            } catch let error as PostgresError where error.isDuplicate && triesLeft > 0 {
                // Somebody pushes the same orders: by now their receipts are there.
                continue
            } catch let error as PostgresError where error.isAboutOrders {
                guard batch.count == 1 else {
                    let middle = batch.startIndex + batch.count / 2
                    return try await push(batch[..<middle], connection) + push(batch[middle...], connection)
                }
                guard error.isAboutData else { return [.postponed(reason: error.message)] }
                return [.decided(try await reject(batch, error, connection))]
            }
        }
    }

    private func pushAtOnce(_ batch: Batch, _ connection: PostgresConnection) async throws -> [OrderOutcome] {
        // Whatever the server begins with: the locks below are what keeps booths apart, and a stricter level would only
        // have them fail where they can wait.
        try await connection.withTransaction(isolation: .readCommitted) { connection in
            let products = Set(batch.flatMap { $0.order.items.map(\.productID.rawValue) }).sorted()
            let answers = try await run(
                [
                    TracedStep(statements.bounds),
                    TracedStep(statements.known, [try batch.map(\.payload).parameter]),
                    TracedStep(statements.stock, [.array(products)]),
                ],
                connection
            )
            let plan = PushPlan(Array(batch), known: try Self.known(answers[1]), stock: try Self.stock(answers[2]))
            try await write(plan, connection)
            return plan.outcomes
        }
    }

    private func write(_ plan: PushPlan, _ connection: PostgresConnection) async throws {
        guard !plan.new.isEmpty else { return }
        let new = try plan.new.parameter
        var steps = [statements.receipts, statements.orders, statements.items].map { TracedStep($0, [new]) }
        if !plan.taken.isEmpty { steps.append(TracedStep(statements.takeStock, [try plan.takenParameter])) }
        let answers = try await run(steps, connection)
        guard plan.taken.isEmpty || answers[3].affected == plan.taken.count else {
            throw OrderUpstreamError(.time(offline: false), "The upstream's stock changed under its lock.")
        }
    }

    /// A receipt for an order that Postgres cannot take, so that it is never decided again; where there is one by now,
    /// it counts. Where not even that can be written, the order's own shop remembers it alone.
    private func reject(_ batch: Batch, _ error: PostgresError, _ connection: PostgresConnection) async throws
        -> OrderOutcome
    {
        var payloads = batch.map(\.payload)
        payloads[0].outcome = "rejected"
        do {
            _ = try await run([TracedStep(statements.receipts, [try payloads.parameter])], connection)
        } catch let error as PostgresError where error.isDuplicate {
            return try await pushAtOnce(batch, connection)[0]
        } catch let error as PostgresError where error.isAboutData {}
        return .rejected(reason: error.message)
    }

    private func run(
        _ steps: [TracedStep],
        _ connection: PostgresConnection
    ) async throws(PostgresError) -> [PostgresRows] {
        try await connection.pipeline(steps, tracer)
    }

    private static func known(_ rows: PostgresRows) throws -> [String: PushPlan.Known] {
        var known: [String: PushPlan.Known] = [:]
        for row in rows {
            known[try row.read("id")] = PushPlan.Known(
                outcome: try row.read("outcome"),
                isSame: try row.read("is_same", as: Bool?.self) ?? false,
                isThere: try row.read("is_there")
            )
        }
        return known
    }

    private static func stock(_ rows: PostgresRows) throws -> [Int: Int] {
        var stock: [Int: Int] = [:]
        for row in rows { stock[try row.read("id")] = try row.read("stock_quantity") }
        return stock
    }
}

extension PostgresError {
    /// `unique_violation` (PostgreSQL documentation, appendix A).
    fileprivate var isDuplicate: Bool { sqlState == "23505" }

    /// The server refuses what it was given, and not to serve: some of the orders are the reason, perhaps one alone.
    fileprivate var isAboutOrders: Bool {
        isAboutData || sqlState != nil && !isConnectionLost && !isTransient && !needsPerson
    }

    /// A password, a database, a right, a table.
    fileprivate var needsPerson: Bool {
        let state = sqlState ?? ""
        if code == .invalidURL || ["28", "3D", "3F", "42", "0A"].contains(where: state.hasPrefix) { return true }
        // libpq's own refusals have no SQLSTATE, and no time mends them.
        let refusals = ["no password supplied", "SSL", "certificate"]
        return code == .connectionFailed && sqlState == nil && refusals.contains(where: message.contains)
    }

    /// A value that no try will make fit: classes 22 (data exception) and 54 (program limit), a check, a NULL, a NUL.
    fileprivate var isAboutData: Bool {
        guard code != .invalidParameter else { return true }
        guard let sqlState else { return false }
        return ["22", "54"].contains { sqlState.hasPrefix($0) } || ["23514", "23502"].contains(sqlState)
    }
}

extension OrderUpstreamError {
    /// Who has to do something about it: what may pass passes, and a password, a database, a right or a table does not.
    init(_ error: PostgresError) {
        if error.needsPerson {
            self.init(.person, error.message)
        } else {
            self.init(.time(offline: error.isConnectionLost && error.sqlState == nil), error.message)
        }
    }
}
