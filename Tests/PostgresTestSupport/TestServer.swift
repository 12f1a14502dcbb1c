import Foundation
public import PostgresClient

/// The server that POPSHOP_TEST_POSTGRES names; `.ci/postgres` starts one.
public enum TestServer {
    public static let url = ProcessInfo.processInfo.environment["POPSHOP_TEST_POSTGRES"]

    /// What a suite that is skipped says.
    public static let missing = "POPSHOP_TEST_POSTGRES names no server; `. .ci/postgres` starts one."

    struct Missing: Error {}

    /// - Parameter more: Parameters that win over the URL's own, such as `password=wrong`.
    public static func configuration(
        _ more: String = "",
        statementTimeout: Duration = .seconds(20)
    ) throws -> PostgresConfiguration {
        guard let url else { throw Missing() }
        let joint = more.isEmpty ? "" : url.contains("?") ? "&" : "?"
        return try PostgresConfiguration(
            url: url + joint + more,
            connectTimeout: .seconds(60),
            statementTimeout: statementTimeout,
            // A machine that is busy with other tests is no dead server.
            cancelTimeout: .seconds(60)
        )
    }

    public static func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(configuration())
    }

    /// Lends a database that exists for as long as the closure runs.
    public static func withDatabase(_ body: (PostgresConfiguration) async throws -> Void) async throws {
        try await withDatabaseNamed { try await body(configuration("dbname=\($0)")) }
    }

    /// Lends a database by its name, for as long as the closure runs.
    public static func withDatabaseNamed(_ body: (String) async throws -> Void) async throws {
        let name = "test_\(UInt64.random(in: 0...UInt64.max))"
        let administrator = try await connect()
        try await administrator.executeScript("CREATE DATABASE \(name)")
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(name)) } catch { outcome = .failure(error) }
        try await administrator.executeScript("DROP DATABASE \(name) WITH (FORCE)")
        await administrator.close()
        try outcome.get()
    }
}
