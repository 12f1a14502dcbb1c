import HTTPClient

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// An hour: a portal's or a proxy's word must not keep spans until they are too old.
    static let longest = Duration.seconds(3_600)

    /// - Parameters:
    ///   - date: The answer's own `Date`: a wait is measured by the clock of the one who asks for it.
    ///   - now: Seconds since 1970, where the answer has no date.
    /// - Returns: Nil for what is neither.
    static func wait(_ text: String, date: String?, now: Int) -> Duration? {
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return Int(text).map { min(.seconds(min($0, 86_400)), longest) } ?? longest
        }
        guard let moment = HTTPDate.seconds(text) else { return nil }
        let base = date.flatMap(HTTPDate.seconds) ?? now
        return min(.seconds(min(max(0, moment - base), 86_400)), longest)
    }
}
