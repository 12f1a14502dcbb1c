/// One value of an answer, as Postgres's text.
public struct PostgresCell: Hashable, Sendable {
    /// The column, for a message.
    public let column: String
    /// The type's number in `pg_type`.
    public let typeID: UInt32
    /// Nil for NULL.
    public let text: String?

    /// The text of a value that is one of these types, or of one that a database has defined itself.
    ///
    /// - Throws: `PostgresError.Code.decoding`.
    func text(_ wanted: String, from types: Set<UInt32>, ownTypes: Bool = false) throws(PostgresError) -> String {
        guard let text else { throw PostgresError(.decoding, "Column \(column) is NULL and is read as \(wanted).") }
        // 16384 is FirstNormalObjectId: what is from there on was created by users, such as enums.
        guard types.contains(typeID) || ownTypes && typeID >= 16_384 else {
            throw PostgresError(.decoding, "Column \(column), of type \(typeID), is read as \(wanted).")
        }
        return text
    }

    func mistake(_ wanted: String) -> PostgresError {
        PostgresError(.decoding, "Column \(column) holds what is no \(wanted).")
    }
}

/// What a column can be read as.
public protocol PostgresDecodable {
    /// - Throws: `PostgresError.Code.decoding`.
    init(_ cell: PostgresCell) throws(PostgresError)
}

/// From `smallint`, `integer`, `bigint` and `oid`.
extension Int64: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) {
        guard let value = Int64(try cell.text("an integer", from: [20, 21, 23, 26])) else {
            throw cell.mistake("integer")
        }
        self = value
    }
}

extension Int: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) { self = Int(try Int64(cell)) }
}

extension Bool: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) { self = try cell.text("a boolean", from: [16]) == "t" }
}

/// From `real` and `double precision`, exactly; a `numeric` is read as a String.
extension Double: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) {
        guard let value = Double(try cell.text("a floating-point number", from: [700, 701])) else {
            throw cell.mistake("floating-point number")
        }
        self = value
    }
}

/// From texts, `numeric` (its digits), `uuid` (36 lowercase characters), JSON, XML, and types of the database's own.
extension String: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) {
        let types: Set<UInt32> = [18, 19, 25, 114, 142, 705, 1042, 1043, 1700, 2278, 2950, 3802]
        self = try cell.text("text", from: types, ownTypes: true)
    }
}

/// From `bytea`.
extension Array: PostgresDecodable where Element == UInt8 {
    public init(_ cell: PostgresCell) throws(PostgresError) {
        let text = try cell.text("bytes", from: [17])
        let digits = Swift.Array(text.utf8.dropFirst(2))
        guard text.hasPrefix("\\x"), digits.count.isMultiple(of: 2) else { throw cell.mistake("hexadecimal bytes") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            bytes.append(Self.nibble(digits[index]) << 4 | Self.nibble(digits[index + 1]))
        }
        self = bytes
    }

    private static func nibble(_ digit: UInt8) -> UInt8 { digit < 0x3a ? digit & 0xf : digit & 0xf + 9 }
}

/// NULL is nil.
extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(PostgresError) {
        self = cell.text == nil ? nil : try Wrapped(cell)
    }
}
