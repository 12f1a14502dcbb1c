/// A `timestamptz`, to the millisecond.
public struct PostgresTimestamp: Hashable, Sendable {
    /// Since 1970, UTC.
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// ISO 8601 in UTC, for years 1 to 9999 and beyond; before them with Postgres's `BC`.
    public var text: String {
        let (days, rest) = milliseconds.floorDivided(by: 86_400_000)
        let date = CivilDate(days: days)
        let time = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, 2) }
        let year = date.year > 0 ? date.year : 1 - date.year
        return "\(padded(year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T\(time.joined(separator: ":"))"
            + ".\(padded(rest % 1000, 3))Z\(date.year > 0 ? "" : " BC")"
    }

    /// Reads Postgres's ISO style: `2026-01-31 12:00:00.123456+05:30`, with ` BC` for years before 1. What is finer than
    /// a millisecond is cut off. Nil for anything else, `infinity` included.
    init?(text: String) {
        let isBC = text.hasSuffix(" BC")
        let parts = text.split(separator: " ")
        guard parts.count == (isBC ? 3 : 2) else { return nil }
        let date = parts[0].split(separator: "-").compactMap { Int64($0) }
        guard let sign = parts[1].lastIndex(where: { $0 == "+" || $0 == "-" }) else { return nil }
        let clock = parts[1][..<sign].split(separator: ":", omittingEmptySubsequences: false)
        let zone = parts[1][parts[1].index(after: sign)...].split(separator: ":").compactMap { Int64($0) }
        guard date.count == 3, clock.count == 3, (1...3).contains(zone.count),
            let hour = Int64(clock[0]), let minute = Int64(clock[1]), let second = Int64(clock[2].prefix(2))
        else { return nil }
        let fraction = clock[2].dropFirst(3).prefix(3)
        let thousandths = Int64(fraction + String(repeating: "0", count: 3 - fraction.count)) ?? 0
        var offset: Int64 = 0
        for (part, unit) in zip(zone, [Int64(3_600_000), 60_000, 1000]) { offset += part * unit }
        let days = CivilDate(year: isBC ? 1 - date[0] : date[0], month: date[1], day: date[2]).days
        let time = hour * 3_600_000 + minute * 60_000 + second * 1000 + thousandths
        milliseconds = days * 86_400_000 + time - (parts[1][sign] == "-" ? -offset : offset)
    }

    private func padded(_ value: Int64, _ width: Int) -> String {
        let digits = "\(value)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension PostgresTimestamp: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) {
        guard let value = PostgresTimestamp(text: try cell.text("a point in time", from: [1184])) else {
            throw cell.mistake("point in time")
        }
        self = value
    }
}

/// A day of the proleptic Gregorian calendar; year 0 is 1 BC.
private struct CivilDate {
    let year: Int64
    let month: Int64
    let day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`.
    init(days: Int64) {
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Since 1970: `days_from_civil`.
    var days: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.floorDivided(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let remainder = (self % divisor + divisor) % divisor
        return ((self - remainder) / divisor, remainder)
    }
}
