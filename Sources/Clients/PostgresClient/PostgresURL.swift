import CLibPQ

/// Where a Postgres is, by any URI (or `key=value` text) that libpq takes. Describes itself without its secrets.
public struct PostgresURL: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// What was given; with the password, so it is for libpq alone.
    let text: String
    /// The first of the hosts, a name, an address or a folder; the local socket when none is given.
    public let host: String
    /// The first of the ports.
    public let port: Int
    /// The database, if one is named.
    public let database: String?
    /// The URI's `connect_timeout`, if it has one.
    public let connectTimeout: Duration?
    let secrets: [String]

    /// - Throws: `PostgresError.Code.invalidURL`; the sentence does not repeat the text.
    public init(_ text: String) throws(PostgresError) {
        guard let values = Self.parse(text) else {
            throw PostgresError(
                .invalidURL,
                "It is no Postgres URI; one looks like postgresql://user:password@host:5432/database?sslmode=require."
            )
        }
        self.text = text
        let hosts = values["host"] ?? values["hostaddr"] ?? ""
        host = hosts.split(separator: ",").first.map(String.init) ?? "the local socket"
        port = (values["port"] ?? "").split(separator: ",").first.flatMap { Int($0) } ?? 5432
        database = values["dbname"]
        connectTimeout = values["connect_timeout"].flatMap { Int($0) }.flatMap { $0 > 0 ? .seconds($0) : nil }
        secrets = [values["password"], values["sslpassword"]].compactMap { $0 }.filter { !$0.isEmpty }
    }

    /// Such as `Postgres at db.example:5432 (shop)`.
    public var description: String { "Postgres at \(host):\(port)\(database.map { " (\($0))" } ?? "")" }

    /// Without the text: a dump of an error or a test's failure shows no password.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    private static func parse(_ text: String) -> [String: String]? {
        let isURI = text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
        guard isURI || text.contains("="), !text.utf8.contains(0) else { return nil }
        var problem: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &problem) else {
            PQfreemem(problem)
            return nil
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }
}
