/// Numbers as people read them.
enum Units {
    /// Three digits and a unit: `850 µs`, `12.3 ms`, `1.45 s`, and from a minute on `2 min 5 s`.
    static func duration(_ nanoseconds: UInt64, _ style: TerminalStyle) -> String {
        guard nanoseconds > 0 else { return "0 ms" }
        let units: [(UInt64, String)] = [
            (1, "ns"), (1_000, style.sign("µs", "us")), (1_000_000, "ms"), (1_000_000_000, "s"),
        ]
        for (size, unit) in units {
            // 999.6 µs are 1.00 ms.
            if let digits = threeDigits(nanoseconds, size) { return "\(digits) \(unit)" }
        }
        return age(Double(nanoseconds) / 1e9)
    }

    /// `3 min`, `2 h 5 min`, `4 d 3 h`: two units at most.
    static func age(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "?" }
        let whole = Int(max(0, seconds.rounded()))
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<600: return pair(whole / 60, "min", whole % 60, "s")
        case ..<3600: return "\(whole / 60) min"
        case ..<86_400: return pair(whole / 3600, "h", whole % 3600 / 60, "min")
        default: return pair(whole / 86_400, "d", whole % 86_400 / 3600, "h")
        }
    }

    /// Powers of 1024, as the budget is given: `3.4 MiB`.
    static func bytes(_ count: Int) -> String {
        guard count >= 1024 else { return "\(max(0, count)) B" }
        var (size, names) = (1024, ["KiB", "MiB", "GiB", "TiB", "PiB"][...])
        while names.count > 1, count / size >= 1024 {
            size *= 1024
            names = names.dropFirst()
        }
        let tenths = Int((Double(count) / Double(size) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(names.first ?? "")"
    }

    /// `12,345`.
    static func count(_ number: Int) -> String {
        var (digits, text) = (String(number.magnitude), "")
        while digits.count > 3 {
            text = "," + digits.suffix(3) + text
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + digits + text
    }

    /// `1 span`, `12 spans`.
    static func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(count(number)) \(number == 1 ? one : many)"
    }

    static func percent(_ part: UInt64, of whole: UInt64) -> String {
        guard whole > 0 else { return "0 %" }
        let share = Double(part) / Double(whole) * 100
        return share > 0 && share < 1 ? "<1 %" : "\(Int(min(share, 100).rounded())) %"
    }

    private static func threeDigits(_ value: UInt64, _ size: UInt64) -> String? {
        let amount = Double(value) / Double(size)
        if size == 1 { return value < 1_000 ? "\(value)" : nil }
        let limit = size == 1_000_000_000 ? 59.95 : 999.5
        guard amount < limit else { return nil }
        let places = amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0
        let scale = places == 2 ? 100 : places == 1 ? 10 : 1
        let scaled = Int((amount * Double(scale)).rounded())
        guard places > 0 else { return "\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(scaled / scale).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
    }

    private static func pair(_ large: Int, _ unit: String, _ small: Int, _ part: String) -> String {
        small == 0 ? "\(large) \(unit)" : "\(large) \(unit) \(small) \(part)"
    }
}
