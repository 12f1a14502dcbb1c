/// JSON written piece by piece, with the commas where they belong (RFC 8259).
struct JSONText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    mutating func object(_ body: (inout JSONText) -> Void) { nest("{", "}", body) }

    mutating func list<Element>(_ elements: [Element], _ body: (inout JSONText, Element) -> Void) {
        nest("[", "]") { json in
            for element in elements {
                json.comma()
                body(&json, element)
                json.needsComma = true
            }
        }
    }

    /// A member of an object.
    mutating func member(_ key: String, _ value: (inout JSONText) -> Void) {
        comma()
        quoted(key)
        bytes.append(UInt8(ascii: ":"))
        value(&self)
        needsComma = true
    }

    mutating func member(_ key: String, string value: String) { member(key) { $0.quoted(value) } }
    mutating func member(_ key: String, raw value: some CustomStringConvertible) { member(key) { $0.raw(value) } }

    /// Written as it describes itself: numbers and words.
    mutating func raw(_ value: some CustomStringConvertible) { bytes.append(contentsOf: value.description.utf8) }

    /// A double; what JSON has no number for is written as a string, as protobuf's JSON mapping says.
    mutating func double(_ value: Double) {
        if value.isFinite {
            raw(value)
        } else {
            quoted(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        }
    }

    mutating func quoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                hex(byte)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Bytes as lowercase hex digits in quotes: OTLP's ids.
    mutating func quotedHex(_ value: some Sequence<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in value { hex(byte) }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func hex(_ byte: UInt8) {
        for nibble in [byte >> 4, byte & 0xf] {
            bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }

    private mutating func nest(_ open: String, _ close: String, _ body: (inout JSONText) -> Void) {
        bytes.append(contentsOf: open.utf8)
        needsComma = false
        body(&self)
        bytes.append(contentsOf: close.utf8)
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }
}
