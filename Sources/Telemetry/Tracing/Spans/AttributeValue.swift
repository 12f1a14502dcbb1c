/// A value of an attribute, as the OpenTelemetry common specification allows them (*Attribute*).
public enum AttributeValue: Hashable, Sendable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case strings([String])
    case ints([Int64])
    case doubles([Double])
    case bools([Bool])

    /// An integer of the machine's width.
    public static func int(_ value: Int) -> AttributeValue { .int(Int64(value)) }
}

extension AttributeValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// A name and a value on a span, an event, a link or a resource.
public struct Attribute: Hashable, Sendable {
    public let key: String
    public var value: AttributeValue

    public init(_ key: String, _ value: AttributeValue) {
        self.key = key
        self.value = value
    }
}

/// Attributes in the order they were set, one a key.
///
/// An array and not a dictionary: a span has a dozen, and a scan of a dozen short keys is cheaper than hashing them.
public struct Attributes: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// In the order they were first set.
    public private(set) var all: [Attribute] = []
    /// How many were refused: because `limit` stood already, or for want of a name.
    public private(set) var dropped = 0

    /// `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`'s default (SDK specification, *Span Limits*).
    static let limit = 128
    /// Longer strings, also those in an array, are cut here, in UTF-8 bytes, so that no request can make a span of megabytes.
    static let valueLimit = 4096

    public init() {}

    public init(dictionaryLiteral elements: (String, AttributeValue)...) {
        // A server span's grow from four to eleven.
        all.reserveCapacity(elements.count + 8)
        for (key, value) in elements { self[key] = value }
    }

    /// The value of a key. Setting nil removes it.
    public subscript(key: String) -> AttributeValue? {
        get { all.first { $0.key == key }?.value }
        set {
            let index = all.firstIndex { $0.key == key }
            guard let newValue else {
                if let index { all.remove(at: index) }
                return
            }
            let value = Self.cut(newValue)
            if let index {
                all[index].value = value
            } else if all.count < Self.limit, !key.isEmpty {
                // Once for a whole span, where growing would allocate and move four times on the way to ten.
                if all.capacity == 0 { all.reserveCapacity(12) }
                all.append(Attribute(key, value))
            } else {
                dropped += 1
            }
        }
    }

    /// Sets each of the other's attributes here.
    public mutating func merge(_ other: Attributes) {
        // Shared, where ten keys would be compared with one another and copied.
        if all.isEmpty {
            all = other.all
            dropped += other.dropped
            return
        }
        for attribute in other.all { self[attribute.key] = attribute.value }
        dropped += other.dropped
    }

    private static func cut(_ value: AttributeValue) -> AttributeValue {
        switch value {
        case .string(let text) where text.utf8.count > valueLimit: .string(cut(text))
        case .strings(let texts) where texts.contains { $0.utf8.count > valueLimit }: .strings(texts.map(cut))
        default: value
        }
    }

    /// A text of at most `valueLimit` bytes, cut between two characters of Unicode and not within one.
    static func cut(_ text: String) -> String {
        guard text.utf8.count > valueLimit else { return text }
        var text = text
        text.makeContiguousUTF8()
        let limit = text.utf8.index(text.startIndex, offsetBy: valueLimit)
        var end = limit
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
