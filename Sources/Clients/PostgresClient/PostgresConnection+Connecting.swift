import CLibPQ
import Dispatch
import QueueExecutor
import Synchronization

extension PostgresConnection {
    /// Connects. Whatever the URL's `sslmode` asks for is done or the connection is not made.
    ///
    /// - Throws: `PostgresError` with `connectionFailed` or `cancelled`, when the time is over even if a name server
    ///   still keeps libpq waiting: what was begun then ends by itself.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        let connection = PostgresConnection(configuration)
        let attempt = ConnectAttempt()
        let error = await withTaskCancellationHandler {
            await withCheckedContinuation { hand in
                attempt.begin(hand)
                connection.begin(attempt)
            }
        } onCancel: {
            attempt.end(PostgresError(.cancelled, "Connecting to \(configuration.url) was cancelled."))
        }
        if let error {
            connection.closeSoon()
            throw error
        }
        try await connection.settle()
        return connection
    }

    /// Points in time are read in Postgres's ISO style, which is the default; the server says if it is set otherwise.
    private func settle() async throws(PostgresError) {
        guard let style = session?.parameter("DateStyle"), !style.hasPrefix("ISO") else { return }
        _ = try await command("SET DateStyle TO ISO", isCancellable: true)
    }

    private nonisolated func begin(_ attempt: ConnectAttempt) {
        let timeout = configuration.connectTimeout
        let url = configuration.url
        // The attempt alone is kept until then, and it is nothing but an error by that time.
        DispatchQueue.global().asyncAfter(deadline: .now() + timeout.dispatchInterval) {
            attempt.end(ErrorText.error(url, "no connection was made within \(timeout)", sqlState: nil))
        }
        executor.queue.async { self.assumeIsolated { $0.start(attempt) } }
    }

    private func start(_ attempt: ConnectAttempt) {
        guard let session = Session(configuration.url.text) else {
            return attempt.end(ErrorText.error(configuration.url, "there is no memory", sqlState: nil))
        }
        self.session = session
        guard !session.isBroken else { return fail(attempt, session) }
        wait(.writing, for: attempt, session)
    }

    private func proceed(_ attempt: ConnectAttempt) {
        writing?.cancel(on: executor.queue)
        writing = nil
        guard !attempt.isOver else { return hangUp() }
        guard let session else { return }
        switch PQconnectPoll(session.raw) {
        case PGRES_POLLING_READING: wait(.reading, for: attempt, session)
        case PGRES_POLLING_WRITING: wait(.writing, for: attempt, session)
        case PGRES_POLLING_OK: finish(attempt, session)
        default: fail(attempt, session)
        }
    }

    /// One watch a wait, since libpq may have changed to another socket.
    private func wait(_ direction: DescriptorWatch.Direction, for attempt: ConnectAttempt, _ session: Session) {
        writing = DescriptorWatch(PQsocket(session.raw), direction, on: executor.queue) { [self] in
            assumeIsolated { if $0.writing != nil { $0.proceed(attempt) } }
        }
        if writing == nil { attempt.end(ErrorText.error(configuration.url, "no descriptor is left", sqlState: nil)) }
    }

    private func finish(_ attempt: ConnectAttempt, _ session: Session) {
        reading = DescriptorWatch(PQsocket(session.raw), .reading, on: executor.queue) { [weak self] in
            self?.assumeIsolated { $0.socketIsReadable() }
        }
        guard reading != nil, PQsetnonblocking(session.raw, 1) == 0 else { return fail(attempt, session) }
        publish()
        attempt.end(nil)
    }

    private func fail(_ attempt: ConnectAttempt, _ session: Session) {
        let error = ErrorText.connecting(session.errorText, configuration.url)
        hangUp()
        attempt.end(error)
    }
}

/// A try to connect: ended by whoever is first of the server, the clock and the task's cancellation.
private final class ConnectAttempt: Sendable {
    private enum State {
        case new
        case begun(CheckedContinuation<PostgresError?, Never>)
        case over(PostgresError?)
    }

    private let state = Mutex(State.new)

    var isOver: Bool { state.withLock { if case .over = $0 { true } else { false } } }

    func begin(_ hand: CheckedContinuation<PostgresError?, Never>) {
        let ended: PostgresError?? = state.withLock { state in
            if case .over(let error) = state { return .some(error) }
            state = .begun(hand)
            return nil
        }
        if let ended { hand.resume(returning: ended) }
    }

    func end(_ error: PostgresError?) {
        let hand: CheckedContinuation<PostgresError?, Never>? = state.withLock { state in
            defer { if case .over = state {} else { state = .over(error) } }
            if case .begun(let hand) = state { return hand }
            return nil
        }
        hand?.resume(returning: error)
    }
}
