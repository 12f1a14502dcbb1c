/// Which names database spans carry, by `OTEL_SEMCONV_STABILITY_OPT_IN` (semantic conventions, *Database*).
///
/// Both together is the default here: Coralogix's database monitoring requires the older ones.
public enum DatabaseConventions: Hashable, Sendable {
    /// `database/dup`.
    case both
    /// `database`.
    case stable

    /// Reads the comma-separated variable; what it does not say about databases is `both`.
    public init(optIn: String?) {
        let names = (optIn ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
        self = names.contains("database") && !names.contains("database/dup") ? .stable : .both
    }
}

/// One kind of statement, with the attributes that all its executions share. Made once, beside the statement's text.
public struct DatabaseOperation: Hashable, Sendable {
    /// The span's name: `SELECT products`.
    public let spanName: String
    /// What the span starts with.
    public let attributes: Attributes

    /// - Parameters:
    ///   - system: `sqlite`, `postgresql` or `redis`.
    ///   - name: The operation, such as `SELECT` or `HGETALL`.
    ///   - collection: The table or key space; nil where there is none.
    ///   - namespace: The database's name.
    ///   - text: The statement with placeholders: parameters are never in it.
    ///   - server: Where the database answers; nil for one in this process.
    public init(
        system: String,
        name: String,
        collection: String?,
        namespace: String,
        text: String,
        server: (address: String, port: Int)? = nil,
        conventions: DatabaseConventions = .both
    ) {
        spanName = collection.map { "\(name) \($0)" } ?? name
        var attributes = Attributes()
        func set(_ stable: String, _ older: String, _ value: AttributeValue) {
            attributes[stable] = value
            if conventions == .both { attributes[older] = value }
        }
        set("db.system.name", "db.system", .string(system))
        set("db.namespace", "db.name", .string(namespace))
        set("db.operation.name", "db.operation", .string(name))
        set("db.query.text", "db.statement", .string(text))
        if let collection { set("db.collection.name", "db.sql.table", .string(collection)) }
        if let server {
            set("server.address", "net.peer.name", .string(server.address))
            set("server.port", "net.peer.port", .int(server.port))
        }
        self.attributes = attributes
    }
}
