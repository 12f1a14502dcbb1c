public import Commerce
import Configuration
import FoundationEssentials
public import Logging
import RedisClient
import ServiceKit
public import ServiceTracing
public import ShopAPI
import Sync
import SystemPackage

/// Everything the environment decides, by the names of the contract's section 3. Command-line options are laid over it.
///
/// Describes itself without its values: some are secrets.
public struct Settings: Sendable, CustomStringConvertible, CustomReflectable {
    /// Where products and orders are kept.
    public enum Storage: String, CaseIterable, Sendable {
        case sqlite, postgres
    }

    /// Where carts are kept.
    public enum Carts: String, CaseIterable, Sendable {
        case memory, redis
    }

    public var dataDirectory: String
    public var storage: Storage
    public var carts: Carts
    /// The most connections of one service's pool.
    public var maximumConnections: Int
    /// URLs that the environment names; the others follow from host and port offset.
    public var serviceURLs: [ServiceName: String]
    /// The Postgres that is the shop's own storage, as libpq's URI, when one is named.
    var databaseURL: String?
    /// The Postgres orders are pushed to; nil: that lane is off.
    public var syncDatabaseURL: String?
    /// Whether spans have somewhere to go: a Coralogix key or an OTLP endpoint.
    public var hasSpanUpstream: Bool
    public var applicationName: String
    /// Overrides the subsystem, which is otherwise the service's name.
    public var subsystemName: String?
    public var resourceAttributes: [(String, String)]
    public var sampler: Sampler
    public var databaseConventions: DatabaseConventions
    /// The disk budget of the span buffer, in bytes.
    public var bufferMaxBytes: Int
    public var adminToken: String?
    /// The mode to start in; nil where the environment names none.
    public var demoMode: DemoMode?
    /// Where spans would go, by the precedence of the contract.
    public var ingressURL: String
    /// Where people of this team look at Coralogix, such as `https://team.app.eu2.coralogix.com`.
    private var teamURL: String?
    /// The headers for an OTLP endpoint; secrets.
    var spanHeaders: [(name: String, value: String)]
    /// Whether an OTLP endpoint is named, which wins over Coralogix.
    public private(set) var hasOTLPEndpoint: Bool
    /// Spans that started longer ago are not sent; nil: the lane's own.
    var spanMaxAge: Duration?
    /// Where a Redis is, when one is named.
    var redisURL: RedisURL?
    public var hasRedis: Bool { redisURL != nil }
    private var coralogixToken: String?
    private var coralogixTokenFile: String?
    public var logLevel: Logger.Level

    /// Reads the environment, and below it a `.env` file in the working directory.
    ///
    /// - Throws: `Refusal` that names the variable with the bad value.
    public static func read() async throws -> Settings {
        let file: EnvironmentVariablesProvider
        do {
            file = try await EnvironmentVariablesProvider(environmentFilePath: ".env", allowMissing: true)
        } catch {
            throw Refusal(.configuration, "The file .env cannot be read.")
        }
        // Read with Windows line ends, the whole file would be one variable's value.
        if let text = try? String(contentsOfFile: ".env", encoding: .utf8) {
            if text.contains("\r\n") {
                throw Refusal(.configuration, "The file .env has Windows line ends (CR LF); save it with LF.")
            }
            if let line = EnvironmentFile.lineForAShell(in: text) {
                throw Refusal(
                    .configuration,
                    "Line \(line) of the file .env is not NAME=value as it stands: "
                        + "no export, no quotes, no ~, and no comment behind the value."
                )
            }
        }
        return try Settings(ConfigReader(providers: [EnvironmentVariablesProvider(), file]))
    }

    public var description: String { "the settings of \(dataDirectory)" }
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    /// From the given variables only.
    ///
    /// - Throws: `Refusal` that names the variable with the bad value.
    public init(environment: [String: String]) throws {
        try self.init(ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment)))
    }

    /// The Send-Your-Data key, from `CX_TOKEN` or the file that `CX_TOKEN_FILE` names; nil when neither is set.
    ///
    /// - Throws: `Refusal` when the file cannot be read.
    public func coralogixKey() throws(Refusal) -> String? {
        if let coralogixToken { return coralogixToken }
        guard let coralogixTokenFile else { return nil }
        guard let text = try? String(contentsOfFile: coralogixTokenFile, encoding: .utf8) else {
            throw Refusal(.configuration, "CX_TOKEN_FILE names a file that cannot be read.")
        }
        // Editors end a file with a line break; it is not part of the key.
        return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }

    /// Where spans go, and as whom; nil for nowhere. Coralogix's key goes to Coralogix's endpoint and to no other.
    var spanUpstream: SpanUpstream? {
        guard hasSpanUpstream else { return nil }
        if hasOTLPEndpoint { return SpanUpstream(url: ingressURL, headers: spanHeaders) }
        if let coralogixToken { return SpanUpstream(url: ingressURL, key: .fixed(coralogixToken)) }
        return SpanUpstream(url: ingressURL, key: coralogixTokenFile.map { .file($0) } ?? .none)
    }

    /// Where Coralogix shows a trace, once it has it (its documentation, *Deep links and URL parameters*); nil for any
    /// other backend, and where the team is not known: its name is part of the address.
    ///
    /// - Parameter times: In nanoseconds since 1970, UTC.
    func upstreamPage(ofTrace id: TraceID, startedIn times: ClosedRange<UInt64>) -> String? {
        guard !hasOTLPEndpoint, hasSpanUpstream, let teamURL else { return nil }
        // A minute more on both sides: the browser's clock, and Coralogix's, may be others.
        let (from, to) = (times.lowerBound / 1_000_000, times.upperBound / 1_000_000)
        return "\(teamURL)/#/explore?dataset=spans&queryType=lucene&query=traceID:%22\(id)%22"
            + "&from=\(from - min(from, 60_000))&to=\(to + 60_000)"
    }

    init(_ config: ConfigReader) throws {
        let variables = Variables(config)
        dataDirectory = variables["POPSHOP_DATA_DIR"] ?? "./popshop-data"
        storage = try variables.choice("POPSHOP_STORAGE", .sqlite)
        carts = try variables.choice("POPSHOP_CARTS", .memory)
        maximumConnections = try variables.integer("DB_MAX_CONNECTIONS", 20, in: 1...1000)
        serviceURLs = try variables.serviceURLs()
        databaseURL = variables.databaseURL()
        syncDatabaseURL = variables["SYNC_DATABASE_URL"]
        hasSpanUpstream = [
            "CX_TOKEN", "CX_TOKEN_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ]
        .contains { variables[$0] != nil }
        applicationName = variables["CX_APPLICATION_NAME"] ?? "reinvent-ecommerce-demo"
        subsystemName = variables["CX_SUBSYSTEM_NAME"]
        resourceAttributes = variables.resourceAttributes()
        sampler = try variables.sampler()
        databaseConventions = DatabaseConventions(optIn: variables["OTEL_SEMCONV_STABILITY_OPT_IN"])
        bufferMaxBytes = try variables.integer("TELEMETRY_BUFFER_MAX_BYTES", 1 << 30, in: 1 << 20...1 << 50)
        adminToken = variables["POPSHOP_ADMIN_TOKEN"]
        demoMode = variables["DEMO_MODE"] == nil ? nil : try variables.choice("DEMO_MODE", .normal)
        logLevel = try variables.choice("LOG_LEVEL", .info)
        ingressURL = variables.ingressURL()
        teamURL = variables["CX_TEAM_URL"].map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        spanHeaders = try variables.spanHeaders()
        hasOTLPEndpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].contains {
            variables[$0] != nil
        }
        if variables["SYNC_SPAN_MAX_AGE"] != nil {
            spanMaxAge = .seconds(try variables.integer("SYNC_SPAN_MAX_AGE", 86_400, in: 1...315_360_000))
        }
        redisURL = try variables.redisURL()
        coralogixToken = variables["CX_TOKEN"]
        coralogixTokenFile = variables["CX_TOKEN_FILE"]
    }
}

/// The environment by the variables' own names. An empty value counts as none.
private struct Variables {
    private let config: ConfigReader

    init(_ config: ConfigReader) {
        self.config = config
    }

    subscript(name: String) -> String? {
        let key = ConfigKey(name.lowercased().split(separator: "_").map(String.init))
        return config.string(forKey: key).flatMap { $0.isEmpty ? nil : $0 }
    }

    func integer(_ name: String, _ standard: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = self[name] else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw Refusal(
                .usage,
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), and is \(text)."
            )
        }
        return value
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        _ standard: Choice
    ) throws -> Choice where Choice.RawValue == String {
        guard let text = self[name] else { return standard }
        guard let value = Choice(rawValue: text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.usage, "\(name) must be one of \(choices), and is \(text).")
        }
        return value
    }

    /// `DATABASE_URL`, or one made of the variables that name its parts.
    func databaseURL() -> String? {
        if let url = self["DATABASE_URL"] { return url }
        guard let host = self["POSTGRES_HOST"] else { return nil }
        let user = self["POSTGRES_USER"] ?? "postgres"
        let password = self["POSTGRES_PASSWORD"].map { ":\($0.percentEncoded)" } ?? ""
        let port = self["POSTGRES_PORT"] ?? "5432"
        let name = self["POSTGRES_DB"] ?? user
        // A socket's folder is no host of a URI's, but a parameter's.
        let place = host.hasPrefix("/") ? "/\(name.percentEncoded)?host=\(host.percentEncoded)&port=\(port)" : nil
        return "postgresql://\(user.percentEncoded)\(password)@"
            + (place ?? "\(host):\(port)/\(name.percentEncoded)")
    }

    func serviceURLs() throws -> [ServiceName: String] {
        var urls: [ServiceName: String] = [:]
        for service in ServiceName.allCases {
            guard let variable = service.urlVariable, let url = self[variable] else { continue }
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                // Which may have a password in it.
                throw Refusal(.usage, "\(variable) must be an http or https URL.")
            }
            urls[service] = url
        }
        return urls
    }

    /// `key=value` pairs, percent-decoded by the specification's rules; what is malformed is left out.
    func resourceAttributes() -> [(String, String)] {
        Baggage(headers: [self["OTEL_RESOURCE_ATTRIBUTES"] ?? ""]).members.map { ($0.key, $0.value) }
    }

    /// The traces endpoint: the one given for traces as it is, the general one with `v1/traces` (OTLP exporter
    /// specification, *Endpoint URLs for OTLP/HTTP*), or Coralogix's.
    func ingressURL() -> String {
        if let traces = self["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] { return traces }
        let base =
            self["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? self["CX_ENDPOINT"] ?? "https://ingress.eu2.coralogix.com:443"
        return base + (base.hasSuffix("/") ? "v1/traces" : "/v1/traces")
    }

    /// `key=value` pairs parted by commas, percent-encoded (OTLP exporter specification, *Specifying headers via
    /// environment variables*). A space that is not encoded is forgiven: people write `Bearer …` as it is.
    func spanHeaders() throws -> [(name: String, value: String)] {
        let variable =
            self["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] == nil
            ? "OTEL_EXPORTER_OTLP_HEADERS" : "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
        return try (self[variable] ?? "").split(separator: ",").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                $0.drop { $0 == " " }.trimmedEnd.percentDecoded
            }
            guard parts.count == 2, let name = parts[0], !name.isEmpty, let value = parts[1] else {
                throw Refusal(.usage, "\(variable) must be name=value pairs, percent-encoded and parted by commas.")
            }
            return (name, value)
        }
    }

    func redisURL() throws -> RedisURL? {
        if let text = self["REDIS_URL"] {
            do {
                return try RedisURL(text)
            } catch {
                throw Refusal(.usage, "REDIS_URL: \(error.message)")
            }
        }
        guard let host = self["REDIS_HOST"] else { return nil }
        return RedisURL(host: host, port: try integer("REDIS_PORT", 6_379, in: 1...65_535))
    }

    func sampler() throws -> Sampler {
        guard let name = self["OTEL_TRACES_SAMPLER"] else { return .standard }
        guard let sampler = Sampler(name: name, argument: self["OTEL_TRACES_SAMPLER_ARG"]) else {
            throw Refusal(
                .usage,
                "OTEL_TRACES_SAMPLER must be a sampler of the OpenTelemetry specification, and is \(name)."
            )
        }
        return sampler
    }
}

extension String {
    /// All but RFC 3986's unreserved characters as their bytes (section 2.1).
    fileprivate var percentEncoded: String {
        utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isUnreserved = byte < 0x80 && (character.isLetter || character.isNumber || "-._~".contains(character))
            if isUnreserved { return String(character) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

extension Substring {
    fileprivate var trimmedEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
