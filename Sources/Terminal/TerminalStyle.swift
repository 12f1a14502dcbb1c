#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What may be written to whoever reads: how wide, and with what.
public struct TerminalStyle: Hashable, Sendable {
    /// In cells, at least 20: no line is longer.
    public let width: Int
    /// ANSI escapes (ECMA-48, *SGR*), with the 256 colours.
    public let colours: Bool
    /// Box drawing, blocks and the letters of the world; ASCII otherwise.
    public let unicode: Bool

    /// For a pipe or a file.
    public static let pipedWidth = 100

    public init(width: Int, colours: Bool, unicode: Bool) {
        self.width = max(20, width)
        self.colours = colours
        self.unicode = unicode
    }

    /// What the environment says: `COLUMNS`, `NO_COLOR` (no-color.org), `TERM`, and the locale by POSIX's rules.
    ///
    /// - Parameter columns: What the terminal itself says, nil when it does not.
    public init(isTerminal: Bool, columns: Int?, environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let locale = (value("LC_ALL") ?? value("LC_CTYPE") ?? value("LANG") ?? "").lowercased()
        let given = value("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        let term = value("TERM") ?? "dumb"
        self.init(
            width: isTerminal ? given ?? columns ?? 80 : Self.pipedWidth,
            colours: isTerminal && value("NO_COLOR") == nil && term != "dumb",
            unicode: locale.contains("utf-8") || locale.contains("utf8")
        )
    }

    /// Asks the system about an open file.
    ///
    /// - Parameter file: The descriptor that is written to: 1 is standard output, 2 standard error.
    public static func detect(_ file: Int32 = 1, environment: [String: String]) -> TerminalStyle {
        var size = winsize()
        let isTerminal = isatty(file) == 1
        let known = isTerminal && ioctl(file, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return TerminalStyle(
            isTerminal: isTerminal,
            columns: known ? Int(size.ws_col) : nil,
            environment: environment
        )
    }

    /// One of two texts, by what can be shown.
    func sign(_ unicode: String, _ ascii: String) -> String { self.unicode ? unicode : ascii }

    var ellipsis: String { sign("…", "~") }
}

/// The reader's own time.
public struct LocalClock: Sendable {
    private let offset: @Sendable (Int64) -> Int64

    /// - Parameter offset: Seconds east of UTC at a moment in seconds since 1970.
    public init(offset: @escaping @Sendable (Int64) -> Int64) {
        self.offset = offset
    }

    /// The machine's time zone.
    public static let system = LocalClock { seconds in
        var (time, local) = (time_t(seconds), tm())
        return localtime_r(&time, &local) == nil ? 0 : Int64(local.tm_gmtoff)
    }

    public static let utc = LocalClock { _ in 0 }

    /// Seconds since 1970 as the clock on the wall counts them.
    func wall(_ nanoseconds: UInt64) -> Int64 {
        let seconds = Int64(nanoseconds / 1_000_000_000)
        return seconds + offset(seconds)
    }
}
