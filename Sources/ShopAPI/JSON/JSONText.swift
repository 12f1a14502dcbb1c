import FoundationEssentials

/// JSON as it is written, front to back, into bytes: RFC 8259, without white space.
///
/// `JSONEncoder` first builds a tree of boxes and then writes it; for the answers that are given thousands of times a
/// second that was up to 30 % of a request. What is written here is byte for byte what `JSON.encoder` writes, as long as
/// an object's fields are written in the order of their names.
public struct JSONText {
    public private(set) var bytes: [UInt8] = []
    /// Whether a comma stands before what comes next.
    private var isAfterValue = false

    public init() { bytes.reserveCapacity(512) }

    /// An object, whose fields the closure writes.
    public mutating func object(_ fields: (inout JSONText) throws -> Void) rethrows {
        try nest(UInt8(ascii: "{"), UInt8(ascii: "}"), fields)
    }

    /// - Throws: `EncodingError` for a number that JSON cannot carry.
    public mutating func field(_ name: StaticString, _ value: some JSONWritable) throws {
        begin(name)
        try value.write(to: &self)
        isAfterValue = true
    }

    /// Nothing where there is no value.
    public mutating func field(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        begin(name)
        string(value)
    }

    public mutating func field(_ name: StaticString, _ value: Int) {
        begin(name)
        bytes.append(contentsOf: String(value).utf8)
        isAfterValue = true
    }

    public mutating func field(_ name: StaticString, _ value: Bool) {
        begin(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
        isAfterValue = true
    }

    /// - Throws: `EncodingError` for what is no finite number.
    public mutating func field(_ name: StaticString, _ value: Double) throws {
        guard value.isFinite else {
            let path = EncodingError.Context(codingPath: [], debugDescription: "\(name) is \(value).")
            throw EncodingError.invalidValue(value, path)
        }
        begin(name)
        let text = value.description
        bytes.append(contentsOf: text.hasSuffix(".0") ? text.dropLast(2).utf8 : text[...].utf8)
        isAfterValue = true
    }

    /// - Throws: As its elements.
    public mutating func field(_ name: StaticString, _ values: [some JSONWritable]) throws {
        begin(name)
        try nest(UInt8(ascii: "["), UInt8(ascii: "]")) { text in
            for value in values {
                text.separate()
                try value.write(to: &text)
                text.isAfterValue = true
            }
        }
    }

    /// - Parameter name: Without anything that has to be escaped.
    private mutating func begin(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        isAfterValue = false
    }

    private mutating func separate() {
        if isAfterValue { bytes.append(UInt8(ascii: ",")) }
        isAfterValue = false
    }

    private mutating func nest(
        _ opening: UInt8,
        _ closing: UInt8,
        _ content: (inout JSONText) throws -> Void
    ) rethrows {
        bytes.append(opening)
        isAfterValue = false
        try content(&self)
        bytes.append(closing)
        isAfterValue = true
    }

    /// RFC 8259 section 7: what has to be escaped, and nothing else.
    private mutating func string(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x08: bytes += Array("\\b".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0x0a: bytes += Array("\\n".utf8)
            case 0x0c: bytes += Array("\\f".utf8)
            case 0x0d: bytes += Array("\\r".utf8)
            case 0..<0x20:
                bytes += Array("\\u00".utf8)
                bytes += [Self.digit(byte >> 4), Self.digit(byte & 15)]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        isAfterValue = true
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

/// What writes itself as JSON text, the same that `JSON.encoder` makes of it.
public protocol JSONWritable: Encodable {
    /// Its fields in the order of their names.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot carry.
    func write(to text: inout JSONText) throws
}
