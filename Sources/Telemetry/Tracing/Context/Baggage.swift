/// What travels beside a trace from service to service (W3C Baggage): names and values of the application's own.
public struct Baggage: Hashable, Sendable {
    /// One list-member.
    public struct Member: Hashable, Sendable {
        /// A token (RFC 9110, 5.6.2).
        public let key: String
        /// Decoded: what the application meant, in any characters.
        public let value: String
        /// `;`-separated metadata, kept as it came.
        public let properties: String

        /// A member of the application's own making.
        public init(key: String, value: String, properties: String = "") {
            self.key = key
            self.value = value
            self.properties = properties
        }
    }

    /// In the order they came; one a key.
    public private(set) var members: [Member] = []

    /// What must be carried at least (W3C Baggage, section 3.3.2), and what is carried at most here.
    static let maximumMembers = 64
    static let maximumBytes = 8192

    /// No members: no header is sent.
    public init() {}

    /// Joins the headers in order and reads them. A malformed member is left out, as is what exceeds the limits;
    /// of two members with one key the later counts.
    public init(headers: [String]) {
        var bytes = -1  // The first member has no comma before it.
        for text in HeaderList(headers) {
            guard members.count < Self.maximumMembers, bytes < Self.maximumBytes else { return }
            guard bytes + 1 + text.count <= Self.maximumBytes else { continue }
            bytes += 1 + text.count
            if let member = Self.parse(text) { set(member) }
        }
    }

    /// The value of a key, nil when it is absent. Setting nil removes it.
    public subscript(key: String) -> String? {
        get { members.first { $0.key == key }?.value }
        set {
            if let newValue { set(Member(key: key, value: newValue)) } else { members.removeAll { $0.key == key } }
        }
    }

    /// Adds a member, replacing one of the same key.
    public mutating func set(_ member: Member) {
        if let index = members.firstIndex(where: { $0.key == member.key }) {
            members[index] = member
        } else {
            members.append(member)
        }
    }

    /// The header to send, nil when there is nothing: at most 64 members and 8192 bytes, the rest is dropped whole.
    /// So are a member whose key is no token and properties that would break out of their member.
    public var header: String? {
        var header = ""
        var count = 0
        for member in members where count < Self.maximumMembers && Self.isToken(member.key.utf8) {
            var text = member.key + "=" + Self.percentEncoded(member.value)
            let properties = member.properties
            if !properties.isEmpty, Self.areProperties(properties.utf8) { text += ";" + properties }
            let separator = header.isEmpty ? "" : ","
            if header.utf8.count + separator.utf8.count + text.utf8.count > Self.maximumBytes { continue }
            header += separator + text
            count += 1
        }
        return header.isEmpty ? nil : header
    }
}

extension Baggage {
    private static func parse(_ member: ArraySlice<UInt8>) -> Member? {
        let parts = member.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let pair = parts.first, let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let key = trimmingOWS(pair[..<equals])
        let value = trimmingOWS(pair[(equals + 1)...])
        let properties = parts.count > 1 ? trimmingOWS(parts[1]) : []
        guard isToken(key), value.allSatisfy(isBaggageOctet), areProperties(properties) else { return nil }
        return Member(
            key: String(decoding: key, as: UTF8.self),
            value: percentDecoded(value),
            properties: String(decoding: properties, as: UTF8.self)
        )
    }

    private static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    /// Printable ASCII and white space without a comma: opaque, but of one member.
    private static func areProperties(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: ",") || $0 == 0x09 }
    }

    /// baggage-octet of the specification: printable ASCII without space, `"`, `,`, `;` and `\`.
    private static func isBaggageOctet(_ byte: UInt8) -> Bool {
        (0x21...0x7e).contains(byte) && !"\",;\\".utf8.contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    private static func percentEncoded(_ value: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            if isBaggageOctet(byte), byte != UInt8(ascii: "%") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xf)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A `%` without two hex digits stands for itself; bytes that are not UTF-8 become U+FFFD (section 3.3.1.3).
    private static func percentDecoded(_ value: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = value
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                rest.prefix(2).allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let decoded = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(decoded)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
