import Assets
public import PostgresClient

/// What a Postgres is for.
public enum PostgresSchema: String, Sendable {
    /// Booths push their orders to it: `schema/postgres/upstream` and the seed data.
    case upstream
    /// A shop keeps its own in it: `schema/postgres/shop` besides, so that it can be an upstream too.
    case shop

    /// Its steps' folders, in order.
    fileprivate var folders: [String] { self == .shop ? ["upstream", "shop"] : ["upstream"] }
}

/// Brings a Postgres up to date, by the folders of `schema/postgres` and the seed data.
///
/// Every step is recorded in `popshop_migrations`, in the transaction that takes it and under one advisory lock: it may
/// be run twice, by two at once, and be killed at any point.
public enum UpstreamMigrator {
    /// Takes what steps are missing, in order.
    ///
    /// - Parameters:
    ///   - connection: With no transaction open.
    ///   - now: Milliseconds since 1970; the seed orders lie before it.
    /// - Returns: The names of the steps taken; empty when it was up to date.
    /// - Throws: `UpstreamSchemaError` for a database of a newer popshop, which is left as it is; `PostgresError`.
    public static func migrate(
        _ connection: PostgresConnection,
        to schema: PostgresSchema = .upstream,
        now: Int64
    ) async throws -> [String] {
        if let tooOld = try await tooOldServer(connection) { throw UpstreamSchemaError(schema: tooOld) }
        var taken: [String] = []
        for step in steps(schema) {
            let isTaken = try await connection.withTransaction { connection in
                try await connection.execute("SELECT pg_advisory_xact_lock($1)", [.int(lock)], timeout: patience)
                try await makeRecord(connection)
                let version = try await schemaVersion(connection, schema)
                if case .newer = version { throw UpstreamSchemaError(schema: version) }
                guard version.missing.contains(step.name) else { return false }
                try await step.take(connection, now)
                try await connection.execute("INSERT INTO popshop_migrations (name) VALUES ($1)", [.string(step.name)])
                return true
            }
            if isTaken { taken.append(step.name) }
        }
        return taken
    }

    /// How the database's schema stands to this popshop's; without changing anything.
    ///
    /// - Throws: `PostgresError`.
    public static func schemaVersion(
        _ connection: PostgresConnection,
        _ schema: PostgresSchema = .upstream
    ) async throws(PostgresError) -> UpstreamSchema {
        if let tooOld = try await tooOldServer(connection) { return tooOld }
        let names = steps(schema).map(\.name)
        guard try await hasRecord(connection) else { return .missing(names) }
        let rows = try await connection.execute(
            "SELECT name FROM popshop_migrations WHERE split_part(name, '/', 1) = ANY($1::text[]) ORDER BY name",
            [.string("{\(schema.folders.joined(separator: ","))}")]
        )
        var recorded: Set<String> = []
        for row in rows { recorded.insert(try row.read("name")) }
        let unknown = recorded.subtracting(names).sorted()
        guard unknown.isEmpty else { return .newer(unknown) }
        let missing = names.filter { !recorded.contains($0) }
        if missing.isEmpty { return .current }
        return recorded.isEmpty ? .missing(missing) : .older(missing)
    }

    /// PostgreSQL 11, with which `sha256` came.
    private static let oldestServer = 110_000

    /// Any number that nobody else uses: "popshop" in ASCII.
    private static let lock: Int64 = 0x706f_7073_686f_70

    /// How long one waits for another that is migrating.
    private static let patience = Duration.seconds(60)

    private static let record = "000_migrations"

    private struct Step: Sendable {
        let name: String
        let take: @Sendable (PostgresConnection, Int64) async throws -> Void
    }

    /// Each folder's files in order; the seed data after those of the upstream.
    private static func steps(_ schema: PostgresSchema) -> [Step] {
        schema.folders.flatMap { folder in
            let files = Asset.under("schema/postgres/\(folder)").filter { name(of: $0) != record }.map { file in
                Step(name: "\(folder)/\(name(of: file))") { connection, _ in
                    try await connection.executeScript(file.text)
                }
            }
            let seeds = Step(name: "upstream/seeds") { try await UpstreamSeeds.plant($0, now: $1) }
            return folder == "upstream" ? files + [seeds] : files
        }
    }

    private static func tooOldServer(
        _ connection: PostgresConnection
    ) async throws(PostgresError) -> UpstreamSchema? {
        let version: String = try await connection.execute("SHOW server_version_num").only().read(at: 0)
        guard let version = Int(version), version < oldestServer else { return nil }
        return .tooOldServer(version / 10_000)
    }

    /// Not before the lock is held: a session remembers for a while that there was no such table.
    private static func hasRecord(_ connection: PostgresConnection) async throws(PostgresError) -> Bool {
        try await connection.execute("SELECT to_regclass('popshop_migrations') IS NOT NULL AS there").only()
            .read("there")
    }

    private static func makeRecord(_ connection: PostgresConnection) async throws {
        guard try await !hasRecord(connection) else { return }
        guard let file = Asset.at("schema/postgres/upstream/\(record).sql") else {
            preconditionFailure("\(record).sql is compiled in")
        }
        try await connection.executeScript(file.text)
    }

    /// The file's name without its folder and ending: `001_upstream`.
    private static func name(of file: Asset) -> String {
        String(file.path.split(separator: "/").last?.dropLast(".sql".count) ?? "")
    }
}

/// How an upstream's schema stands to this popshop's.
public enum UpstreamSchema: Hashable, Sendable {
    case current
    /// Nothing of it is there.
    case missing([String])
    /// Some steps, named here, are missing.
    case older([String])
    /// It has steps that this popshop does not know.
    case newer([String])
    /// The server's own major version is older than what is needed.
    case tooOldServer(Int)

    /// The steps that `popshop migrate --upstream` would take.
    public var missing: [String] {
        switch self {
        case .current, .newer, .tooOldServer: []
        case .missing(let steps), .older(let steps): steps
        }
    }

    /// What a person has to do; nil when nothing.
    public var advice: String? { advice(.upstream) }

    /// What a person has to do with a database of that kind; nil when nothing.
    public func advice(_ schema: PostgresSchema) -> String? {
        let (name, command) =
            schema == .upstream ? ("upstream", "popshop migrate --upstream") : ("shop's", "popshop migrate")
        return switch self {
        case .current: nil
        case .tooOldServer(let version): "The \(name) server is PostgreSQL \(version); it has to be 11 or later."
        case .missing: "The \(name) database has no popshop schema; run \(command)."
        case .older(let steps): "The \(name) schema lacks \(steps.joined(separator: ", ")); run \(command)."
        case .newer(let steps):
            "The \(name) database was made by a newer popshop (it has \(steps.joined(separator: ", "))); use that one."
        }
    }
}

/// The schema is not one that this popshop can work on.
public struct UpstreamSchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    public let schema: UpstreamSchema

    public init(schema: UpstreamSchema) { self.schema = schema }

    public var description: String { schema.advice ?? "The upstream schema is up to date." }
}
