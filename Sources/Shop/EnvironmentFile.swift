/// What is wrong with a `.env` file before it is read. Each line is `NAME=value`, and a value is what stands there: what a
/// shell would make of it is not made of it.
enum EnvironmentFile {
    /// How the names begin that this shop reads; the file may be another program's, too.
    private static let prefixes = [
        "CX_", "DATABASE_", "DB_", "DEMO_", "LOG_", "OTEL_", "POPSHOP_", "POSTGRES_", "REDIS_", "SYNC_", "TELEMETRY_",
    ]

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
        guard prefixes.contains(where: variable.hasPrefix) else { return false }
        let isQuoted = value.count > 1 && value.first == value.last && (value.first == "\"" || value.first == "'")
        return isExported || isQuoted || value.hasPrefix("~/") || value.contains(" #") || value.contains("\t#")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop(while: \.isWhitespace)
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return head[...last]
    }
}
