import CLibPQ
import Dispatch
import Readiness

/// What bounds one exchange with the server.
struct Limits {
    var timeout: Duration
    /// Whether the task's cancellation ends it at once: not so for a COMMIT, nor for what cleans up after a cancelled
    /// task. These have a second more, and then the connection is given up: a dead line must not hold up an end.
    var isCancellable = true
    static let patience = Duration.seconds(1)
}

extension PostgresConnection {
    private enum Progress {
        case done
        case waiting
        case lost
        case violation(String)

        var isDone: Bool { if case .done = self { true } else { false } }
    }

    func execute(
        _ statement: PostgresStatement,
        _ limits: Limits,
        prepares: Bool
    ) async throws(PostgresError) -> PostgresRows {
        let parameters = try EncodedParameters(statement.parameters)
        let name = prepares ? try await prepare(statement.sql, limits) : nil
        let results = try await perform(limits) { Self.send($0, statement.sql, name, parameters) }
        return try Self.rows(results.first ?? [], statement)
    }

    /// Queues a statement, by its name if it is prepared.
    static func send(_ raw: OpaquePointer, _ sql: String, _ name: String?, _ parameters: EncodedParameters) -> Bool {
        parameters.withPointers { parameters in
            let (count, values, lengths, formats) = parameters
            if let name { return PQsendQueryPrepared(raw, name, count, values, lengths, formats, 0) == 1 }
            return PQsendQueryParams(raw, sql, count, nil, values, lengths, formats, 0) == 1
        }
    }

    static func rows(_ results: [ResultHandle], _ statement: PostgresStatement) throws(PostgresError) -> PostgresRows {
        if let error = results.first(where: \.isError) {
            let texts = statement.parameters.compactMap { value -> String? in
                if case .text(let text) = value.content { text } else { nil }
            }
            throw ErrorText.server(error, texts)
        }
        guard let result = results.last else {
            throw PostgresError(.protocolViolation, "Postgres has answered a statement with nothing.")
        }
        return PostgresRows(result)
    }

    /// The name of a text that is prepared now or was before; nil when it is to be executed as it is. A connection keeps
    /// 256 at most, so that texts with values in them, a mistake, cost time and not memory.
    func prepare(_ sql: String, _ limits: Limits) async throws(PostgresError) -> String? {
        if let name = statements[sql] { return name }
        guard configuration.preparesStatements, statements.count < 256 else { return nil }
        let name = nextName()
        let results = try await perform(limits) { PQsendPrepare($0, name, sql, 0, nil) == 1 }
        _ = try Self.rows(results.first ?? [], PostgresStatement(sql))
        statements[sql] = name
        return name
    }

    /// Sends what `send` queues and returns what is answered, a list for each statement.
    ///
    /// - Parameter isPipeline: Whether the answer ends with a synchronisation point.
    /// - Throws: `PostgresError` when there is no whole answer; a refused statement is one.
    func perform(
        _ limits: Limits,
        isPipeline: Bool = false,
        _ send: (OpaquePointer) -> Bool
    ) async throws(PostgresError) -> [[ResultHandle]] {
        guard let session else { throw ErrorText.lost(configuration.url, nil) }
        guard exchange == nil else {
            throw PostgresError(.protocolViolation, "The connection does one statement at a time.")
        }
        if limits.isCancellable, Task.isCancelled { throw Self.cancelled }
        let exchange = begin(limits, session)
        defer { finish() }
        guard send(session.raw) else {
            hangUp()
            throw ErrorText.lost(configuration.url, nil)
        }
        let outcome: Result<[[ResultHandle]], PostgresError> = await withTaskCancellationHandler {
            do throws(PostgresError) {
                return .success(try await answer(session, exchange, isPipeline))
            } catch {
                return .failure(error)
            }
        } onCancel: {
            if limits.isCancellable { return exchange.interrupt(.cancelled) }
            DispatchQueue.global().asyncAfter(deadline: .now() + Limits.patience.dispatchInterval) {
                exchange.interrupt(.abandoned)
            }
        }
        return try outcome.get()
    }

    private static var cancelled: PostgresError { PostgresError(.cancelled, "The statement was cancelled.") }

    private func answer(
        _ session: Session,
        _ exchange: Exchange,
        _ isPipeline: Bool
    ) async throws(PostgresError) -> [[ResultHandle]] {
        var results: [[ResultHandle]] = [[]]
        var cause: PostgresError?
        var progress = Progress.waiting
        var hasRead = false
        while true {
            // A whole answer may still have to wait for its late cancellation, which must not hit the next statement.
            if self.session == nil {
                progress = .lost
            } else if !progress.isDone {
                progress = collect(session, &results, isPipeline)
            }
            switch progress {
            case .done where !exchange.isCancelReturned: await session.readiness.wait()
            case .waiting:
                // What has come is told once: all of it has been read before there is a wait for more.
                if !hasRead || !session.hasMore { await session.readiness.wait() }
                hasRead = true
                if self.session != nil { session.consume() }
            case .done:
                let last = results.joined().first(where: \.isError)
                if let cause, last?.field(.sqlState) == "57014" { throw cause }
                return results
            case .lost:
                hangUp()
                throw cause ?? ErrorText.lost(configuration.url, Self.farewell(results))
            case .violation(let message):
                hangUp()
                throw PostgresError(.protocolViolation, message)
            }
            guard let interruption = exchange.takeInterruption() else { continue }
            if cause != nil || interruption == .abandoned || !sendCancel(session, exchange) { hangUp() }
            cause = cause ?? error(for: interruption)
        }
    }

    private func error(for interruption: Exchange.Interruption) -> PostgresError {
        switch interruption {
        case .cancelled: Self.cancelled
        case .timeout: PostgresError(.timeout, "\(configuration.url) has not answered a statement in time.")
        case .abandoned:
            PostgresError(.connectionLost, "\(configuration.url) had not answered when the work was ended.")
        }
    }

    /// What the server said before it hung up, such as 57P01 for `pg_terminate_backend`.
    private static func farewell(_ results: [[ResultHandle]]) -> PostgresError? {
        let error = results.joined().first { $0.isError && $0.field(.sqlState) != nil }
        return error.map { ErrorText.server($0, []) }
    }

    /// Takes what has come; never waits.
    private func collect(_ session: Session, _ results: inout [[ResultHandle]], _ isPipeline: Bool) -> Progress {
        let raw = session.raw
        guard flush(session) else { return .lost }
        while true {
            if session.isBroken {
                drain(raw, &results)
                return .lost
            }
            guard PQisBusy(raw) == 0 else { return .waiting }
            guard let result = PQgetResult(raw).map(ResultHandle.init) else {
                guard isPipeline else { return .done }
                results.append([])
                continue
            }
            switch result.status {
            case PGRES_PIPELINE_SYNC: return .done
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                return .violation("COPY is not among what this client does; the connection was closed.")
            default: results[results.count - 1].append(result)
            }
        }
    }

    /// The last words of a connection that is broken; libpq no longer waits for anything then.
    private func drain(_ raw: OpaquePointer, _ results: inout [[ResultHandle]]) {
        for _ in 0..<4 {
            guard let result = PQgetResult(raw) else { return }
            results[results.count - 1].append(ResultHandle(result))
        }
    }

    /// - Returns: False when nothing can be written any more.
    private func flush(_ session: Session) -> Bool {
        let rest = PQflush(session.raw)
        session.isWriting = rest == 1
        // A failed write is not the end: what the server said before it hung up is still to be read.
        return rest >= 0 || !session.isBroken
    }
}

/// What wakes an exchange.
extension PostgresConnection {
    private func begin(_ limits: Limits, _ session: Session) -> Exchange {
        let readiness = session.readiness
        let exchange = Exchange(readiness)
        self.exchange = exchange
        timer.deadline = .now + limits.timeout
        publish()
        guard PQsslInUse(session.raw) != 0 else { return exchange }
        // OpenSSL may hold the tail of a record that libpq had no room for, and no descriptor tells of that.
        nudge = Task {
            while true {
                try await Task.sleep(for: .milliseconds(20))
                readiness.wake()
            }
        }
        return exchange
    }

    private func finish() {
        exchange = nil
        timer.deadline = nil
        nudge?.cancel()
        publish()
    }

    func timerIsDue() {
        if timer.isOver() { exchange?.interrupt(.timeout) }
    }

    /// Asks the server to cancel, on a thread that may block, and sets the time it has for that.
    ///
    /// - Returns: False when it cannot be asked.
    private func sendCancel(_ session: Session, _ exchange: Exchange) -> Bool {
        exchange.beginCancel()
        timer.deadline = .now + configuration.cancelTimeout
        return CancelRequest.send(session) { exchange.cancelHasReturned() }
    }
}
