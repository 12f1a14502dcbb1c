import HTTPClient
import HTTPTypes
import Synchronization

/// The backend that spans are sent to: keeps what it took, refuses what is too old or too far ahead inside a success, and
/// what it cannot read with 400 or 413.
final class Ingress: Sendable {
    /// Spans that started longer ago, or start further ahead, are refused (TELEMETRY, section 3), in seconds.
    static let window = (age: 86_400, ahead: 3_600)
    /// Bytes of a request.
    static let maxBytes = 6_000

    private let time: WorldTime
    /// How often each span was taken.
    private let taken = Mutex<[UInt64: Int]>([:])

    /// Whether its answers are dated.
    let hasClock: Bool

    init(_ time: WorldTime, hasClock: Bool) { (self.time, self.hasClock) = (time, hasClock) }

    /// What it makes of one request.
    enum Verdict: Sendable {
        case taken(rejected: Set<UInt64>)
        case refused(status: Int)
    }

    func timesTaken(_ id: UInt64) -> Int { taken.withLock { $0[id, default: 0] } }

    func take(_ spans: [ReceivedSpan], bytes: Int, _ natures: SpanOracle) -> Verdict {
        let kinds = spans.map { natures.nature(of: $0.id) }
        if bytes > Self.maxBytes || kinds.contains(.tooLarge) { return .refused(status: 413) }
        if kinds.contains(.malformed) { return .refused(status: 400) }
        var rejected: Set<UInt64> = []
        taken.withLock { taken in
            for (span, kind) in zip(spans, kinds) {
                if kind == .unwanted || !isOfAge(span) {
                    rejected.insert(span.id)
                } else {
                    taken[span.id, default: 0] += 1
                }
            }
        }
        return .taken(rejected: rejected)
    }

    /// Whether it starts within the window, by the true time.
    func isOfAge(_ span: ReceivedSpan) -> Bool {
        let (start, now) = (Int64(span.start / 1_000_000_000), Int64(time.now / 1_000_000_000))
        return now - start <= Self.window.age && start - now <= Self.window.ahead
    }
}

/// HTTP's dates (RFC 9110, section 5.6.7), written by nothing of the product's.
enum DateText {
    static func of(seconds: Int) -> String {
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        let (year, month, day) = civil(days)
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days % 7]
        let clock = [rest / 3_600, rest / 60 % 60, rest % 60].map(twoDigits).joined(separator: ":")
        return "\(weekday), \(twoDigits(day)) \(names[month - 1]) \(year) \(clock) GMT"
    }

    private static func twoDigits(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }

    /// Days since 1970 as a date (Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`).
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let z = days + 719_468
        let era = z / 146_097
        let doe = z % 146_097
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1)
    }
}
