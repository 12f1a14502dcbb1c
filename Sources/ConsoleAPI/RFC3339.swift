import Commerce

/// Times with nanoseconds as text (RFC 3339, section 5.6): what one row of a list says is where the next page begins.
public enum RFC3339 {
    /// Why a text is no moment.
    public enum Failure: Error, Hashable {
        /// Not the grammar's form.
        case malformed
        /// A date that the calendar does not have, or one outside 1970…2262.
        case outOfRange
    }

    /// Nanoseconds since 1970 as `2026-11-22T19:40:00.123456789Z`.
    public static func text(_ nanoseconds: UInt64) -> String {
        let time = CivilTime(Int64(nanoseconds / 1_000_000_000))
        return "\(time.date)T\(time.clock).\(CivilTime.digits(Int(nanoseconds % 1_000_000_000), 9))Z"
    }

    /// Nanoseconds since 1970 of a text with any offset; digits beyond the ninth of a second are cut.
    public static func nanoseconds(_ text: String) throws(Failure) -> UInt64 {
        var rest = Array(text.utf8)[...]
        let year = try number(&rest, 4)
        try take(&rest, "-")
        let month = try number(&rest, 2)
        try take(&rest, "-")
        let day = try number(&rest, 2)
        try take(&rest, "Tt ")
        let hour = try number(&rest, 2)
        try take(&rest, ":")
        let minute = try number(&rest, 2)
        try take(&rest, ":")
        let second = try number(&rest, 2)
        let fraction = try fraction(&rest)
        let offset = try offset(&rest)
        guard rest.isEmpty else { throw .malformed }
        guard hour < 24, minute < 60, second < 60, let days = CivilTime.days(year: year, month: month, day: day) else {
            throw .outOfRange
        }
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
        // What the buffer can hold: Int64 nanoseconds.
        guard (0..<9_223_372_036).contains(seconds) else { throw .outOfRange }
        return UInt64(seconds) * 1_000_000_000 + UInt64(fraction)
    }

    private static func fraction(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> Int {
        guard rest.first == UInt8(ascii: ".") else { return 0 }
        rest.removeFirst()
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { throw .malformed }
        rest = rest.dropFirst(digits.count)
        let nine = Array(digits.prefix(9)) + Array(repeating: UInt8(ascii: "0"), count: max(0, 9 - digits.count))
        return nine.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// Seconds east of UTC. A blank stands for `+`, which is what a query string makes of an unescaped one.
    private static func offset(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> Int {
        guard let sign = rest.popFirst() else { throw .malformed }
        if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return 0 }
        guard "+- ".utf8.contains(sign) else { throw .malformed }
        let hours = try number(&rest, 2)
        try take(&rest, ":")
        let minutes = try number(&rest, 2)
        guard hours < 24, minutes < 60 else { throw .outOfRange }
        return (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, _ count: Int) throws(Failure) -> Int {
        let digits = rest.prefix(count)
        rest = rest.dropFirst(count)
        guard digits.count == count, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .malformed
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ choices: String) throws(Failure) {
        guard let byte = rest.popFirst(), choices.utf8.contains(byte) else { throw .malformed }
    }
}
