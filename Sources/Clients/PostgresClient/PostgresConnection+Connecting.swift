import CLibPQ
import Readiness

extension PostgresConnection {
    /// Connects. Whatever the URL's `sslmode` asks for is done or the connection is not made.
    ///
    /// - Throws: `PostgresError` with `connectionFailed` or `cancelled`, when the time is over even if a name server
    ///   still keeps libpq waiting: what was begun then ends by itself.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        let (url, timeout) = (configuration.url, configuration.connectTimeout)
        let attempt = BlockingAttempt<Session, PostgresError>()
        let result: Result<PostgresConnection, PostgresError> = await withTaskCancellationHandler {
            let outcome = await attempt.outcome(
                label: "popshop.postgres.connect",
                timeout: timeout,
                overdue: ErrorText.error(url, "no connection was made within \(timeout)", sqlState: nil)
            ) { () throws(PostgresError) in
                try Session.connect(url) { !attempt.isOver }
            }
            do throws(PostgresError) {
                let connection = PostgresConnection(configuration)
                try await connection.use(outcome.get())
                return .success(connection)
            } catch {
                return .failure(error)
            }
        } onCancel: {
            attempt.giveUp(PostgresError(.cancelled, "Connecting to \(url) was cancelled."))
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
}
