import CLibPQ

/// What a transaction sees of those beside it (PostgreSQL documentation, *Transaction Isolation*).
public enum PostgresIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

extension PostgresConnection {
    /// Executes the closure in a transaction: committed when it returns, rolled back when it throws or its task is
    /// cancelled.
    ///
    /// A `connectionLost` or `timeout` from the COMMIT leaves open whether it has happened; what is in the transaction
    /// must be such that it can be repeated.
    ///
    /// - Parameter isolation: Nil for what the server begins with.
    /// - Throws: `PostgresError`, or what the closure throws.
    public nonisolated(nonsending) func withTransaction<Result>(
        isolation: PostgresIsolation? = nil,
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await begin(isolation)
        do {
            let result = try await body(self)
            try await commit()
            return result
        } catch {
            await rollBack()
            throw error
        }
    }

    /// Executes the closure in a savepoint of the transaction that is open: what it did is undone when it throws, and
    /// the transaction goes on.
    ///
    /// - Throws: `PostgresError`, or what the closure throws.
    public nonisolated(nonsending) func withSavepoint<Result>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let name = try await setSavepoint()
        do {
            let result = try await body(self)
            _ = try await command("RELEASE \(name)", isCancellable: true)
            return result
        } catch {
            await rollBack(to: name)
            throw error
        }
    }

    private func begin(_ isolation: PostgresIsolation?) async throws(PostgresError) {
        if transactionStatus == PQTRANS_INTRANS || transactionStatus == PQTRANS_INERROR {
            throw PostgresError(.protocolViolation, "A transaction is open already; within it there are savepoints.")
        }
        let level = isolation.map { " ISOLATION LEVEL \($0.rawValue)" } ?? ""
        _ = try await command("BEGIN\(level)", isCancellable: true)
    }

    /// Once it is sent it is not cancelled: whoever waits for it learns what became of it.
    private func commit() async throws(PostgresError) {
        if Task.isCancelled { throw PostgresError(.cancelled, "The transaction was cancelled before its COMMIT.") }
        // A failed transaction answers COMMIT with ROLLBACK, and no error.
        guard try await command("COMMIT", isCancellable: false).commandTag == "COMMIT" else {
            throw PostgresError(
                .server("25P02"),
                "The transaction was rolled back, because a statement in it had failed and that was passed over."
            )
        }
    }

    /// What cannot be rolled back is given up: the server does it when the connection ends.
    private func rollBack() async {
        guard transactionStatus != PQTRANS_IDLE, session != nil else { return }
        do { _ = try await command("ROLLBACK", isCancellable: false) } catch { hangUp() }
    }

    private func setSavepoint() async throws(PostgresError) -> String {
        let name = nextName()
        _ = try await command("SAVEPOINT \(name)", isCancellable: true)
        return name
    }

    private func rollBack(to name: String) async {
        guard session != nil else { return }
        do {
            _ = try await command("ROLLBACK TO \(name)", isCancellable: false)
            _ = try await command("RELEASE \(name)", isCancellable: false)
        } catch {
            hangUp()
        }
    }

    /// Sends all statements at once and waits once: over a line with 5 ms there and back a hundred inserts take 5 ms and
    /// not half a second. They are executed in order; outside a transaction they are one of their own. It does not
    /// pay where one statement's parameters need another's answer.
    ///
    /// - Returns: The answers in the statements' order.
    /// - Throws: The first `PostgresError`: nothing after that statement was executed, and what came before it is undone
    ///   with its transaction.
    public func pipeline(
        _ statements: [PostgresStatement],
        timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        var steps: [(statement: PostgresStatement, parameters: EncodedParameters)] = []
        for statement in statements { steps.append((statement, try EncodedParameters(statement.parameters))) }
        guard !steps.isEmpty else { return [] }
        let limits = Limits(timeout: timeout ?? configuration.statementTimeout)
        let known = self.statements
        defer { leavePipeline() }
        let results = try await perform(limits, isPipeline: true) { raw in
            PQenterPipelineMode(raw) == 1
                && steps.allSatisfy { Self.send(raw, $0.statement.sql, known[$0.statement.sql], $0.parameters) }
                && PQpipelineSync(raw) == 1
        }
        var rows: [PostgresRows] = []
        for (step, results) in zip(steps, results) { rows.append(try Self.rows(results, step.statement)) }
        guard rows.count == steps.count else {
            throw PostgresError(.protocolViolation, "A pipeline of \(steps.count) has \(rows.count) answers.")
        }
        return rows
    }

    /// Prepares texts that are not yet, so that `pipeline` calls them by name.
    ///
    /// - Throws: `PostgresError`.
    public func prepare(_ texts: [String]) async throws(PostgresError) {
        for text in texts { _ = try await prepare(text, Limits(timeout: configuration.statementTimeout)) }
    }

    private func leavePipeline() {
        guard let session, exchange == nil else { return }
        if PQpipelineStatus(session.raw) != PQ_PIPELINE_OFF, PQexitPipelineMode(session.raw) != 1 { hangUp() }
        publish()
    }
}
