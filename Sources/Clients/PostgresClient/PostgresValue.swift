/// A statement's parameter. Its type is what the statement makes of it (`$1::bigint` where that is not plain); only
/// `bytes` are sent as binary, all others as Postgres's own text.
public struct PostgresValue: Hashable, Sendable {
    enum Content: Hashable {
        case null
        case text(String)
        case bytes([UInt8])
    }

    let content: Content

    /// SQL's NULL.
    public static let null = PostgresValue(content: .null)

    public static func int(_ value: some FixedWidthInteger) -> PostgresValue { .string("\(value)") }
    public static func string(_ value: String) -> PostgresValue { PostgresValue(content: .text(value)) }
    public static func bool(_ value: Bool) -> PostgresValue { .string(value ? "t" : "f") }
    /// Exact; infinities and NaN too.
    public static func double(_ value: Double) -> PostgresValue { .string("\(value)") }
    /// Digits such as `1299.99`, so that no money is rounded on its way.
    public static func decimal(_ digits: String) -> PostgresValue { .string(digits) }
    /// The 36-character form.
    public static func uuid(_ text: String) -> PostgresValue { .string(text) }
    public static func timestamp(_ value: PostgresTimestamp) -> PostgresValue { .string(value.text) }
    public static func array(_ elements: [some FixedWidthInteger]) -> PostgresValue {
        .string("{\(elements.map { "\($0)" }.joined(separator: ","))}")
    }

    /// Of text, or of what is written as such: numbers, uuids, points in time. Nil is a NULL in it (PostgreSQL
    /// documentation, *Array Input and Output Syntax*).
    public static func array(_ elements: [String?]) -> PostgresValue {
        var text = "{"
        for element in elements {
            if text.utf8.count > 1 { text += "," }
            guard let element else {
                text += "NULL"
                continue
            }
            text += "\""
            if element.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
                for character in element.unicodeScalars {
                    if character == "\"" || character == "\\" { text += "\\" }
                    text.unicodeScalars.append(character)
                }
            } else {
                text += element
            }
            text += "\""
        }
        return .string(text + "}")
    }

    public static func bytes(_ value: [UInt8]) -> PostgresValue { PostgresValue(content: .bytes(value)) }

    /// The value, or NULL for nil.
    public static func optional<Wrapped>(
        _ value: Wrapped?,
        _ make: (Wrapped) -> PostgresValue
    ) -> PostgresValue {
        value.map(make) ?? .null
    }
}

extension PostgresValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(nilLiteral: ()) { self = .null }
}

/// A statement with its parameters, for a pipeline.
public struct PostgresStatement: Hashable, Sendable {
    public var sql: String
    public var parameters: [PostgresValue]

    public init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// Parameters as libpq takes them: one block of bytes, and where each begins.
struct EncodedParameters {
    private var storage: [UInt8] = []
    private var starts: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    /// - Throws: `PostgresError.Code.invalidParameter`.
    init(_ values: [PostgresValue]) throws(PostgresError) {
        guard values.count <= 65_535 else {
            throw PostgresError(.invalidParameter, "A statement has more than 65535 parameters.")
        }
        for (index, value) in values.enumerated() {
            switch value.content {
            case .null: append(nil, format: 0)
            case .bytes(let bytes): append(bytes, format: 1)
            case .text(let text):
                guard !text.utf8.contains(0) else {
                    throw PostgresError(.invalidParameter, "Parameter $\(index + 1) has a NUL character in it.")
                }
                append(Array(text.utf8) + [0], format: 0)
            }
        }
    }

    private mutating func append(_ bytes: [UInt8]?, format: Int32) {
        starts.append(bytes.map { _ in storage.count })
        lengths.append(Int32(bytes?.count ?? 0))
        formats.append(format)
        storage += bytes ?? []
        // An empty value must not look like a NULL one.
        if bytes != nil { storage.append(0) }
    }

    typealias Pointers = (
        count: Int32, values: UnsafePointer<UnsafePointer<CChar>?>?, lengths: UnsafePointer<Int32>?,
        formats: UnsafePointer<Int32>?
    )

    func withPointers<Result>(_ body: (Pointers) -> Result) -> Result {
        storage.withUnsafeBytes { bytes in
            let values = starts.map { start in
                start.flatMap { bytes.baseAddress?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
            }
            return values.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body((Int32(values.count), values.baseAddress, lengths.baseAddress, formats.baseAddress))
                    }
                }
            }
        }
    }
}
