/// Whether bytes are one JSON text as RFC 8259 writes it: Foundation's decoder lets trailing commas pass, and never
/// looks at the numbers and strings that nobody asks for.
struct JSONSyntax {
    /// Deeper nesting is taken for an attack.
    private static let maximumDepth = 256

    private var rest: ArraySlice<UInt8>

    /// Whether the bytes are one value and nothing else but white space.
    static func isValid(_ bytes: [UInt8]) -> Bool {
        var syntax = JSONSyntax(rest: bytes[...])
        return syntax.value(depth: 0) && syntax.rest.isEmpty
    }

    private mutating func value(depth: Int) -> Bool {
        skipSpace()
        defer { skipSpace() }
        switch rest.first {
        case UInt8(ascii: "{"):
            return depth < Self.maximumDepth && members(closedBy: "}") { $0.member(depth: depth + 1) }
        case UInt8(ascii: "["):
            return depth < Self.maximumDepth && members(closedBy: "]") { $0.value(depth: depth + 1) }
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return take("true")
        case UInt8(ascii: "f"): return take("false")
        case UInt8(ascii: "n"): return take("null")
        default: return number()
        }
    }

    private mutating func members(closedBy end: UnicodeScalar, _ member: (inout JSONSyntax) -> Bool) -> Bool {
        rest.removeFirst()
        skipSpace()
        if take(UInt8(ascii: end)) { return true }
        repeat {
            guard member(&self) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: end))
    }

    private mutating func member(depth: Int) -> Bool {
        skipSpace()
        guard string() else { return false }
        skipSpace()
        return take(UInt8(ascii: ":")) && value(depth: depth)
    }

    private mutating func string() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard escape() else { return false }
            case ..<0x20: return false
            default: break
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let byte = rest.popFirst() else { return false }
        guard byte == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(byte) }
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        return digits.count == 4 && digits.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
    }

    private mutating func number() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard digits() else { return false } }
        if take(UInt8(ascii: ".")) { guard digits() else { return false } }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(digits.count)
        return !digits.isEmpty
    }

    private mutating func skipSpace() {
        rest = rest.drop { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func take(_ word: String) -> Bool {
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }
}

extension InputError {
    /// Refuses what is no JSON text (RFC 8259), whoever would have read it.
    ///
    /// - Throws: `InputError` `malformed_json`.
    public static func checkJSON(_ bytes: [UInt8]) throws(InputError) {
        guard JSONSyntax.isValid(bytes), String(validating: bytes, as: UTF8.self) != nil else {
            throw InputError(.malformed, "malformed_json", "The body is not valid JSON.")
        }
    }
}
