import PostgresClient
import Shop
import UpstreamStorage

#if canImport(Glibc)
    import Glibc
#endif

/// `popshop migrate` on a Postgres.
enum PostgresMigration {
    /// The Postgres of `SYNC_DATABASE_URL`.
    ///
    /// - Throws: `Refusal` with one sentence for everything that stands in the way.
    static func runUpstream(_ settings: Settings) async throws {
        guard let url = settings.syncDatabaseURL else {
            throw Refusal(.configuration, "SYNC_DATABASE_URL is not set, so there is no upstream to migrate.")
        }
        do {
            try await run(PostgresConfiguration(url: url), to: .upstream)
        } catch let error as PostgresError where error.code == .invalidURL {
            throw Refusal(.configuration, "SYNC_DATABASE_URL: \(error.message)")
        }
    }

    /// - Throws: `Refusal`, or `PostgresError` of `invalidURL`.
    static func run(_ configuration: PostgresConfiguration, to schema: PostgresSchema) async throws {
        var configuration = configuration
        // A migration of a large table takes its time; Ctrl-C ends it. A proxy may stand in between.
        configuration.statementTimeout = .seconds(600)
        configuration.preparesStatements = false
        do {
            let connection = try await PostgresConnection.connect(configuration)
            let taken = try await UpstreamMigrator.migrate(connection, to: schema, now: Int64(time(nil)) * 1000)
            await connection.close()
            let what = taken.isEmpty ? "nothing was missing" : "applied " + taken.joined(separator: ", ")
            Output.line("\(configuration.url) is up to date: \(what).")
        } catch let error as PostgresError {
            throw Refusal(code(for: error), error.message)
        } catch let error as UpstreamSchemaError {
            throw Refusal(.dataError, error.schema.advice(schema) ?? error.description)
        }
    }

    /// What may pass by itself is unavailable; a wrong password, an unknown database or a missing right is not.
    private static func code(for error: PostgresError) -> Refusal.Code {
        let isUnavailable = error.isTransient || error.isConnectionLost && error.sqlState == nil
        return isUnavailable ? .unavailable : .configuration
    }
}
