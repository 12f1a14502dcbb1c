import CLibPQ
import Dispatch
import Readiness
import Synchronization

extension PostgresConnection {
    /// Connects. Whatever the URL's `sslmode` asks for is done or the connection is not made.
    ///
    /// - Throws: `PostgresError` with `connectionFailed` or `cancelled`, when the time is over even if a name server
    ///   still keeps libpq waiting: what was begun then ends by itself.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        let attempt = ConnectAttempt()
        let result: Result<PostgresConnection, PostgresError> = await withTaskCancellationHandler {
            let outcome = await attempt.outcome { begin(attempt, configuration) }
            do throws(PostgresError) {
                let connection = PostgresConnection(configuration)
                try await connection.use(outcome.get())
                return .success(connection)
            } catch {
                return .failure(error)
            }
        } onCancel: {
            attempt.end(.failure(PostgresError(.cancelled, "Connecting to \(configuration.url) was cancelled.")))
        }
        return try result.get()
    }

    private func use(_ session: sending Session) async throws(PostgresError) {
        self.session = session
        publish()
        try await settle()
    }

    /// Points in time are read in Postgres's ISO style, which is the default; the server says if it is set otherwise.
    private func settle() async throws(PostgresError) {
        guard let style = session?.parameter("DateStyle"), !style.hasPrefix("ISO") else { return }
        _ = try await command("SET DateStyle TO ISO", isCancellable: true)
    }

    private static func begin(_ attempt: ConnectAttempt, _ configuration: PostgresConfiguration) {
        let (url, timeout) = (configuration.url, configuration.connectTimeout)
        // The attempt alone is kept until then, and it is nothing but an error by that time.
        DispatchQueue.global().asyncAfter(deadline: .now() + timeout.dispatchInterval) {
            attempt.end(.failure(ErrorText.error(url, "no connection was made within \(timeout)", sqlState: nil)))
        }
        DispatchQueue(label: "popshop.postgres.connect").async {
            do throws(PostgresError) {
                attempt.end(.success(try Session.connect(url) { !attempt.isOver }))
            } catch {
                attempt.end(.failure(error))
            }
        }
    }
}

/// A try to connect: ended by whoever is first of the server, the clock and the task's cancellation.
private final class ConnectAttempt: Sendable {
    typealias Outcome = Result<Session, PostgresError>

    private enum State {
        case new
        case begun(CheckedContinuation<Outcome, Never>)
        /// With an error that came before it began.
        case over(PostgresError?)
    }

    private let state = Mutex(State.new)

    var isOver: Bool { state.withLock { if case .over = $0 { true } else { false } } }

    func outcome(_ begin: () -> Void) async -> Outcome {
        let outcome = await withCheckedContinuation { hand in
            start(hand)
            begin()
        }
        // Whoever ended it has held the lock. The runtime tells the thread sanitizer nothing of a continuation that was
        // resumed before it is awaited (swift_continuation_await); this puts the session's making before its use.
        state.withLock { _ in }
        return outcome
    }

    private func start(_ hand: CheckedContinuation<Outcome, Never>) {
        let error: PostgresError? = state.withLock { state in
            if case .over(let error) = state { return error }
            state = .begun(hand)
            return nil
        }
        if let error { hand.resume(returning: .failure(error)) }
    }

    func end(_ outcome: sending Outcome) {
        let error: PostgresError? = if case .failure(let error) = outcome { error } else { nil }
        let hand: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            defer { if case .over = state {} else { state = .over(error) } }
            if case .begun(let hand) = state { return hand }
            return nil
        }
        hand?.resume(returning: outcome)
    }
}
