/// What is wrong with a `.env` file before it is read. Each line is `NAME=value`, and a value is what stands there: what a
/// shell would make of it is not made of it.
enum EnvironmentFile {
    /// The names that this shop reads, but for services' URLs: the file may be another program's, too.
    private static let names: Set<String> = [
        "CX_APPLICATION_NAME", "CX_ENDPOINT", "CX_SUBSYSTEM_NAME", "CX_TEAM_URL", "CX_TOKEN", "CX_TOKEN_FILE",
        "DATABASE_URL", "DB_MAX_CONNECTIONS", "DEMO_MODE", "LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SEMCONV_STABILITY_OPT_IN", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
        "POPSHOP_ADMIN_TOKEN", "POPSHOP_CARTS", "POPSHOP_DATA_DIR", "POPSHOP_STORAGE", "POSTGRES_DB", "POSTGRES_HOST",
        "POSTGRES_PASSWORD", "POSTGRES_PORT", "POSTGRES_USER", "REDIS_HOST", "REDIS_PORT", "REDIS_URL",
        "SYNC_DATABASE_URL", "SYNC_SPAN_MAX_AGE", "TELEMETRY_BUFFER_MAX_BYTES",
    ]
    /// Those in whose values anything may stand.
    private static let secrets: Set<String> = ["POPSHOP_ADMIN_TOKEN", "POSTGRES_PASSWORD"]

    /// The number of the first line, from 1, that is written for a shell; nil where there is none.
    static func lineForAShell(in text: String) -> Int? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.firstIndex(where: isForAShell).map { $0 + 1 }
    }

    private static func isForAShell(_ line: Substring) -> Bool {
        let parts = line.split(separator: "=", maxSplits: 1).map(trimmed)
        guard parts.count == 2 else { return false }
        let (name, value) = (parts[0], parts[1])
        let isExported = name.hasPrefix("export ") || name.hasPrefix("export\t")
        let variable = isExported ? trimmed(name.dropFirst("export ".count)) : name
        guard names.contains(String(variable)) else { return false }
        let isQuoted = value.count > 1 && value.first == value.last && (value.first == "\"" || value.first == "'")
        let hasComment = !secrets.contains(String(variable)) && (value.contains(" #") || value.contains("\t#"))
        return isExported || isQuoted || value.hasPrefix("~/") || hasComment
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop(while: \.isWhitespace)
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return head[...last]
    }
}
