/// A moment as a calendar and a clock show it (proleptic Gregorian calendar).
public struct CivilTime: Hashable, Sendable {
    public let year: Int
    /// 1…12.
    public let month: Int
    /// 1…31.
    public let day: Int
    public let hour: Int
    public let minute: Int
    public let second: Int

    /// - Parameter seconds: Since 1970, with the offset from UTC already added where the time is local.
    public init(_ seconds: Int64) {
        let (days, rest) = Self.floorDivide(seconds, 86_400)
        (hour, minute, second) = (Int(rest / 3600), Int(rest % 3600 / 60), Int(rest % 60))
        // Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days: years begin in March, eras have 400.
        let (era, dayOfEra) = Self.floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shifted + 2) / 5 + 1)
        month = Int(shifted < 10 ? shifted + 3 : shifted - 9)
        year = Int(yearOfEra + era * 400) + (shifted < 10 ? 0 : 1)
    }

    /// `2026-11-22`.
    public var date: String { "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))" }

    /// `19:40:07`.
    public var clock: String { "\(Self.digits(hour, 2)):\(Self.digits(minute, 2)):\(Self.digits(second, 2))" }

    /// A number with zeroes in front, of at least so many digits.
    public static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// Days since 1970 of a date, nil for one the calendar does not have.
    public static func days(year: Int, month: Int, day: Int) -> Int64? {
        guard (1...12).contains(month), day >= 1, day <= 31 else { return nil }
        let (era, yearOfEra) = floorDivide(Int64(month <= 2 ? year - 1 : year), 400)
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        let back = CivilTime(days * 86_400)
        return back.month == month && back.day == day ? days : nil
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> (quotient: Int64, rest: Int64) {
        let rest = value % by
        return rest < 0 ? (value / by - 1, rest + by) : (value / by, rest)
    }
}
