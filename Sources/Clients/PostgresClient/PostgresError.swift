/// Why Postgres did not do what was asked.
public struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, as a caller tells one from another.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: Hashable {
            case invalidURL, invalidParameter, connectionFailed, connectionLost, timeout, cancelled, decoding
            case protocolViolation
            case server(String)
        }

        private let value: Value

        private init(_ value: Value) { self.value = value }

        /// The URL is not one that libpq understands. Nothing was sent.
        public static let invalidURL = Code(.invalidURL)

        /// A parameter that Postgres has no text for: one with a NUL character. Nothing was sent.
        public static let invalidParameter = Code(.invalidParameter)

        /// No connection: unreachable, refused, wrong password, unknown database, TLS, or not made in time.
        public static let connectionFailed = Code(.connectionFailed)

        /// The connection ended under a statement, which the server may have executed, a `COMMIT` included.
        public static let connectionLost = Code(.connectionLost)

        /// The statement was not answered in time, and the server was asked to cancel it.
        public static let timeout = Code(.timeout)

        /// The task was cancelled, and so was its statement.
        public static let cancelled = Code(.cancelled)

        /// A value is not of the type that it was read as, or there is no such column or row.
        public static let decoding = Code(.decoding)

        /// The server or the caller did what has no meaning here: two statements at once, a `COPY`, an answer that is
        /// not Postgres's.
        public static let protocolViolation = Code(.protocolViolation)

        /// The server refused the statement with this SQLSTATE (PostgreSQL documentation, appendix A).
        public static func server(_ sqlState: String) -> Code { Code(.server(sqlState)) }

        /// The code's name.
        public var description: String {
            if case .server(let state) = value { return "server(\(state))" }
            return "\(value)"
        }

        var serverState: String? {
            if case .server(let state) = value { return state }
            return nil
        }
    }

    /// The reason.
    public var code: Code

    /// One sentence for a log, without a password and without a statement's parameters.
    public var message: String

    /// The server's SQLSTATE, if it gave one: also of the refusal to connect, and of the farewell when it ended the
    /// connection.
    public var sqlState: String?

    /// Creates an error.
    public init(_ code: Code, _ message: String, sqlState: String? = nil) {
        self.code = code
        self.message = message
        self.sqlState = sqlState ?? code.serverState
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    /// Whether there is no connection (any more).
    public var isConnectionLost: Bool { code == .connectionFailed || code == .connectionLost }

    /// Whether the same may succeed later without anyone changing anything: a network that comes back, a deadlock, a
    /// server that starts, is full or read-only for now. A wrong password or an unknown database is not.
    public var isTransient: Bool {
        if let sqlState { return Self.isTransient(sqlState) }
        return isConnectionLost || code == .timeout
    }

    private static func isTransient(_ sqlState: String) -> Bool {
        // 08 connection, 40 rollback (deadlock, serialization), 53 resources, 55P03 lock, 57P operator, 57014 cancelled,
        // 58 system, 25006 read-only.
        let isOfTransientClass = ["08", "40", "53", "57P", "58"].contains { sqlState.hasPrefix($0) }
        return isOfTransientClass && sqlState != "40002" && sqlState != "57P04"
            || ["25006", "55P03", "57014"].contains(sqlState)
    }
}
