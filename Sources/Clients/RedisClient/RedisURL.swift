/// Where a Redis is. Describes itself without its password.
///
/// `redis://[[user]:password@]host[:port][/db]` for TCP, `redis+unix://[[user]:password@]/path[?db=n]` (or `unix://`)
/// for a socket on this machine; user, password and path may be percent-encoded.
public struct RedisURL: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// How it is reached.
    public enum Place: Hashable, Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    public let place: Place
    /// The number of the database.
    public let database: Int
    let user: String?
    let password: String?

    /// - Throws: `RedisError.Code.invalidURL`; the sentence does not repeat the text.
    public init(_ text: String) throws(RedisError) {
        guard let schemeEnd = text.firstRange(of: "://") else { throw Self.invalid }
        var rest = text[schemeEnd.upperBound...]
        var credentials = Credentials()
        // The last one: a password that was not encoded may have one in it.
        if let at = rest.lastIndex(of: "@") {
            guard let given = Credentials(rest[..<at]) else { throw Self.invalid }
            credentials = given
            rest = rest[rest.index(after: at)...]
        }
        (user, password) = (credentials.user, credentials.password)
        switch text[..<schemeEnd.lowerBound] {
        case "redis": (place, database) = try Self.tcp(rest)
        case "redis+unix", "unix": (place, database) = try Self.unix(rest)
        case "rediss": throw Self.encrypted
        default: throw Self.invalid
        }
    }

    /// A Redis without a password, on TCP.
    public init(host: String, port: Int = 6379) {
        (place, database, user, password) = (.tcp(host: host, port: port), 0, nil, nil)
    }

    /// The host's name or address, or the socket's path: `server.address` of spans.
    public var address: String {
        switch place {
        case .tcp(let host, _): host
        case .unix(let path): path
        }
    }

    /// The port; nil for a socket on this machine.
    public var port: Int? {
        if case .tcp(_, let port) = place { port } else { nil }
    }

    /// Such as `Redis at cache.example:6379`.
    public var description: String { "Redis at \(address)\(port.map { ":\($0)" } ?? "")" }

    /// Without the password, also in a dump or a test's failure.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    private static let invalid = RedisError(
        .invalidURL,
        "It is no Redis URL; one looks like redis://user:password@host:6379/0 or redis+unix:///path/to/socket?db=0."
    )

    private static let encrypted = RedisError(
        .invalidURL,
        "rediss:// is not spoken here; run a TLS sidecar such as stunnel beside the cart and give its redis:// address."
    )

    private static func tcp(_ text: Substring) throws(RedisError) -> (Place, Int) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let database = number(parts.count > 1 ? parts[1] : "", 0...Int(Int32.max), else: 0) else { throw invalid }
        let (host, port) = endpoint(parts[0])
        guard let port = number(port, 1...65_535, else: 6379), !host.isEmpty, isPlain(host) else { throw invalid }
        return (.tcp(host: String(host), port: port), database)
    }

    /// The host, which may be an IPv6 address in brackets, and what follows its colon.
    private static func endpoint(_ text: Substring) -> (host: Substring, port: Substring) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let after = text[text.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { return ("", "") }
            return (text[text.index(after: text.startIndex)..<end], after.dropFirst())
        }
        guard let colon = text.firstIndex(of: ":") else { return (text, "") }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    private static func unix(_ text: Substring) throws(RedisError) -> (Place, Int) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? parts[1] : "db="
        guard let path = percentDecoded(parts[0]), path.hasPrefix("/"), !path.utf8.contains(0), query.hasPrefix("db="),
            let database = number(query.dropFirst(3), 0...Int(Int32.max), else: 0)
        else { throw invalid }
        return (.unix(path: path), database)
    }

    private static func isPlain(_ host: Substring) -> Bool {
        host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@[]".utf8.contains($0) }
    }

    /// - Returns: The default for an empty text, nil for one that is no number of the range.
    private static func number(_ text: Substring, _ range: ClosedRange<Int>, else missing: Int) -> Int? {
        if text.isEmpty { return missing }
        guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(text), range.contains(number) else {
            return nil
        }
        return number
    }
}

/// What stands before the `@`. A user without a password is nobody.
private struct Credentials {
    var user: String?
    var password: String?

    init() {}

    init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let user = percentDecoded(parts[0]), let password = percentDecoded(parts[1]) else {
            return nil
        }
        self.user = user.isEmpty ? nil : user
        self.password = password.isEmpty ? nil : password
    }
}

/// RFC 3986, section 2.1. Nil where a `%` is not followed by two hex digits, or the bytes are no UTF-8.
private func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        let digits = rest.prefix(2).map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 2, let high = digits[0], let low = digits[1] else { return nil }
        bytes.append(UInt8(high * 16 + low))
        rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
}
