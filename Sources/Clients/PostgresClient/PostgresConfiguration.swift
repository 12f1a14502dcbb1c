/// Where a Postgres is, and the bounds of what is asked of it.
public struct PostgresConfiguration: Sendable {
    public var url: PostgresURL

    /// The time for finding the address, connecting, TLS and authentication together, over all hosts of the URL. A
    /// `connect_timeout` in the URL is the default.
    public var connectTimeout: Duration

    /// The time for one statement, or for one pipeline.
    public var statementTimeout: Duration

    /// The time that a cancelled statement has to come back before its connection is given up.
    public var cancelTimeout: Duration

    /// Whether statements are prepared, once a connection, and then called by name. Not through a proxy that shares
    /// connections between clients by the transaction.
    public var preparesStatements: Bool

    /// - Throws: `PostgresError.Code.invalidURL`.
    public init(
        url: String,
        connectTimeout: Duration? = nil,
        statementTimeout: Duration = .seconds(30),
        cancelTimeout: Duration = .seconds(2),
        preparesStatements: Bool = true
    ) throws(PostgresError) {
        self.url = try PostgresURL(url)
        self.connectTimeout = connectTimeout ?? self.url.connectTimeout ?? .seconds(5)
        self.statementTimeout = statementTimeout
        self.cancelTimeout = cancelTimeout
        self.preparesStatements = preparesStatements
    }
}
