import Commerce
import FoundationEssentials

/// Times as JSON carries them.
public enum Timestamp {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// Milliseconds since 1970 as ISO 8601 in UTC: `2026-11-22T19:40:00.123Z`.
    public static func text(_ milliseconds: Int64) -> String {
        let fraction = (milliseconds % 1000 + 1000) % 1000
        let time = CivilTime((milliseconds - fraction) / 1000)
        return "\(time.date)T\(time.clock).\(CivilTime.digits(Int(fraction), 3))Z"
    }

    /// Milliseconds since 1970 of an ISO 8601 text; nil when it is none.
    public static func milliseconds(_ text: String) -> Int64? {
        let date = (try? Date(text, strategy: style)) ?? (try? Date(text, strategy: Date.ISO8601FormatStyle()))
        return date.map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) }
    }
}
