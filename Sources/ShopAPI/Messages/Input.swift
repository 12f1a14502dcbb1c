import Commerce

/// What is wrong with a request, in words for the one who sent it.
public struct InputError: Error, Hashable, Sendable {
    /// Decides the status: 400 for what has the wrong form, 422 for a value that is out of range.
    public enum Kind: Hashable, Sendable {
        case malformed
        case outOfRange
    }

    public let kind: Kind
    /// snake_case, for programs.
    public let code: String
    /// One sentence, for people.
    public let message: String

    public init(_ kind: Kind, _ code: String, _ message: String) {
        self.kind = kind
        self.code = code
        self.message = message
    }

    static func required(_ field: String) -> InputError {
        InputError(.malformed, "missing_field", "\(field) is required.")
    }

    static func wrongType(_ field: String, _ expected: String) -> InputError {
        InputError(.malformed, "wrong_type", "\(field) must be \(expected).")
    }

    static func outOfRange(_ field: String, _ expected: String) -> InputError {
        InputError(.outOfRange, "out_of_range", "\(field) must be \(expected).")
    }
}

// Reading fields so that every mistake is named, and a number that no Int or Double can hold is a 422 like any other
// that is too large.
extension KeyedDecodingContainer {
    func has(_ key: Key) throws -> Bool {
        guard contains(key) else { return false }
        return try !decodeNil(forKey: key)
    }

    /// An array of exactly `count` numbers; nil when the field is absent.
    func numbers(_ key: Key, count: Int, in range: ClosedRange<Double>) throws -> [Double]? {
        guard try has(key) else { return nil }
        let expected = "\(count) numbers from \(range.lowerBound.plain) to \(range.upperBound.plain)"
        guard var elements = try? nestedUnkeyedContainer(forKey: key) else {
            throw InputError.wrongType(key.stringValue, expected)
        }
        var numbers: [Double] = []
        while !elements.isAtEnd {
            if let number = try? elements.decode(Double.self) {
                guard range.contains(number) else { throw InputError.outOfRange(key.stringValue, expected) }
                numbers.append(number)
            } else {
                throw elements.isAtNumber
                    ? InputError.outOfRange(key.stringValue, expected) : InputError.wrongType(key.stringValue, expected)
            }
        }
        guard numbers.count == count else { throw InputError.wrongType(key.stringValue, expected) }
        return numbers
    }

    func integer(_ key: Key, default value: Int? = nil, in range: ClosedRange<Int>) throws -> Int {
        guard try has(key) else {
            if let value { return value }
            throw InputError.required(key.stringValue)
        }
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = try? decode(Int.self, forKey: key) else {
            if let fraction = try? decode(Double.self, forKey: key), fraction != fraction.rounded() {
                throw InputError.wrongType(key.stringValue, expected)
            }
            throw try isNumber(key)
                ? InputError.outOfRange(key.stringValue, expected) : InputError.wrongType(key.stringValue, expected)
        }
        guard range.contains(number) else { throw InputError.outOfRange(key.stringValue, expected) }
        return number
    }

    func number(_ key: Key, default value: Double? = nil, in range: ClosedRange<Double>) throws -> Double {
        guard try has(key) else {
            if let value { return value }
            throw InputError.required(key.stringValue)
        }
        let expected = "a number from \(range.lowerBound.plain) to \(range.upperBound.plain)"
        guard let number = try? decode(Double.self, forKey: key) else {
            throw try isNumber(key)
                ? InputError.outOfRange(key.stringValue, expected) : InputError.wrongType(key.stringValue, expected)
        }
        guard number.isFinite, range.contains(number) else { throw InputError.outOfRange(key.stringValue, expected) }
        return number
    }

    /// A name chosen by a client: 1 to 128 bytes without control characters.
    func name(_ key: Key, default value: String? = nil) throws -> String {
        guard let name = try text(key) else {
            if let value { return value }
            throw InputError.required(key.stringValue)
        }
        guard ClientName.isValid(name) else {
            throw InputError.outOfRange(key.stringValue, "1 to 128 bytes of text without control characters")
        }
        return name
    }

    func text(_ key: Key) throws -> String? {
        guard try has(key) else { return nil }
        guard let text = try? decode(String.self, forKey: key) else {
            throw InputError.wrongType(key.stringValue, "a string")
        }
        return text
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: Key,
        default value: Choice? = nil
    ) throws -> Choice where Choice.RawValue == String {
        guard let name = try text(key) else {
            if let value { return value }
            throw InputError.required(key.stringValue)
        }
        return try Choice.read(name, field: key.stringValue)
    }

    /// Whether the value is written as a number, also as one that no `Double` holds such as `1e400`: decoders do not
    /// agree on the error for that, so it is told by what it is not.
    private func isNumber(_ key: Key) throws -> Bool {
        try has(key) && (try? decode(String.self, forKey: key)) == nil && (try? decode(Bool.self, forKey: key)) == nil
            && (try? nestedUnkeyedContainer(forKey: key)) == nil
            && (try? nestedContainer(keyedBy: AnyKey.self, forKey: key)) == nil
    }
}

extension UnkeyedDecodingContainer {
    /// As `isNumber` of a keyed container, for the next element; the container stays where it is.
    fileprivate var isAtNumber: Bool {
        var copy = self
        return (try? copy.decodeNil()) == false && (try? copy.decode(String.self)) == nil
            && (try? copy.decode(Bool.self)) == nil && (try? copy.nestedUnkeyedContainer()) == nil
            && (try? copy.nestedContainer(keyedBy: AnyKey.self)) == nil
    }
}

/// For asking whether a value is an object.
private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension RawRepresentable where Self: CaseIterable, RawValue == String {
    /// The case of that name.
    ///
    /// - Throws: `InputError` that names the field and the choices.
    public static func read(_ name: String, field: String) throws(InputError) -> Self {
        guard let value = Self(rawValue: name) else {
            let choices = allCases.map(\.rawValue).joined(separator: ", ")
            throw InputError(.malformed, "unknown_\(field)", "\(field) must be one of \(choices).")
        }
        return value
    }
}

extension Double {
    /// Without a `.0` that says nothing.
    fileprivate var plain: String {
        self == rounded() && abs(self) < 1e15 ? String(Int64(self)) : description
    }
}
