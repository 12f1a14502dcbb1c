/// The trace ids that begin with the same hex digits.
struct TraceIDRange: Sendable {
    let first: [UInt8]
    let last: [UInt8]

    init(prefix: String) throws(TracePrefixError) {
        let digits = prefix.utf8.count
        guard (4...32).contains(digits), let first = Self.bytes(prefix, filledWith: "0"),
            let last = Self.bytes(prefix, filledWith: "f")
        else { throw .invalid }
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
