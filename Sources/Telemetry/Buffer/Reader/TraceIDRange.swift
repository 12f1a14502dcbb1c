/// The trace ids that begin with the same hex digits.
struct TraceIDRange: Sendable {
    let first: [UInt8]
    let last: [UInt8]

    /// Of a prefix that a person names a trace by.
    init(prefix: String) throws(TracePrefixError) {
        guard prefix.utf8.count >= 4, let range = Self(beginning: prefix) else { throw .invalid }
        self = range
    }

    /// Nil for what is not 1 to 32 lowercase hex digits.
    init?(beginning prefix: String) {
        guard (1...32).contains(prefix.utf8.count), let first = Self.bytes(prefix, filledWith: "0"),
            let last = Self.bytes(prefix, filledWith: "f")
        else { return nil }
        self.first = first
        self.last = last
    }

    private static func bytes(_ prefix: String, filledWith digit: Character) -> [UInt8]? {
        let digits = Array((prefix + String(repeating: digit, count: 32 - prefix.utf8.count)).utf8)
        let nibbles = digits.compactMap { digit -> UInt8? in
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            default: nil
            }
        }
        guard nibbles.count == 32 else { return nil }
        return (0..<16).map { nibbles[2 * $0] << 4 | nibbles[2 * $0 + 1] }
    }
}

/// The beginning of a trace id that does not name one trace.
public enum TracePrefixError: Error, Hashable, CustomStringConvertible {
    /// Fewer than 4 digits or more than 32, or not lowercase hex.
    case invalid
    /// Some of the ids that begin so.
    case ambiguous([String])

    public var description: String {
        switch self {
        case .invalid: "A trace is named by the first 4 to 32 hex digits of its id."
        case .ambiguous(let ids): "several traces begin so: \(ids.joined(separator: ", "))"
        }
    }
}
