import PostgresClient
import Shop
import UpstreamStorage

#if canImport(Glibc)
    import Glibc
#endif

/// `popshop migrate --upstream`.
enum UpstreamMigration {
    /// - Throws: `Refusal` with one sentence for everything that stands in the way.
    static func run(_ settings: Settings) async throws {
        guard let url = settings.syncDatabaseURL else {
            throw Refusal(.configuration, "SYNC_DATABASE_URL is not set, so there is no upstream to migrate.")
        }
        do {
            // A migration of a large table takes its time; Ctrl-C ends it.
            let configuration = try PostgresConfiguration(
                url: url,
                statementTimeout: .seconds(600),
                preparesStatements: false
            )
            let connection = try await PostgresConnection.connect(configuration)
            let taken = try await UpstreamMigrator.migrate(connection, now: Int64(time(nil)) * 1000)
            await connection.close()
            let what = taken.isEmpty ? "nothing was missing" : "applied " + taken.joined(separator: ", ")
            Output.line("\(configuration.url) is up to date: \(what).")
        } catch let error as PostgresError {
            let subject = error.code == .invalidURL ? "SYNC_DATABASE_URL: " : ""
            throw Refusal(code(for: error), subject + error.message)
        } catch let error as UpstreamSchemaError {
            throw Refusal(.dataError, error.description)
        }
    }

    /// What may pass by itself is unavailable; a wrong password, an unknown database or a missing right is not.
    private static func code(for error: PostgresError) -> Refusal.Code {
        let isUnavailable = error.isTransient || error.isConnectionLost && error.sqlState == nil
        return isUnavailable ? .unavailable : .configuration
    }
}
