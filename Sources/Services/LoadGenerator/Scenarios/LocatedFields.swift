/// The members of a JSON object, taken one by one: what is missing, of the wrong type or out of range is named, and so
/// is, at the end, what nobody asked for.
struct LocatedFields {
    private let object: LocatedJSON
    /// Of the object: what the names of its members are put behind.
    let place: String
    private var members: [String: LocatedJSON] = [:]
    private var left: [String] = []

    /// - Throws: `ScenarioError` when the value is no object.
    init(_ object: LocatedJSON, at place: String) throws(ScenarioError) {
        guard case .object(let members) = object.value else {
            throw ScenarioError(line: object.line, field: place, problem: "it must be an object, and is \(object.kind)")
        }
        self.object = object
        self.place = place
        for member in members { self.members[member.name] = member.value }
        left = members.map(\.name)
    }

    func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

    /// An error at a member, or at the object where that is missing.
    func mistake(_ name: String, _ problem: String) -> ScenarioError {
        ScenarioError(line: members[name]?.line ?? object.line, field: path(name), problem: problem)
    }

    /// The member's value, nil when it is missing.
    mutating func optional(_ name: String) -> LocatedJSON? {
        left.removeAll { $0 == name }
        return members[name]
    }

    mutating func required(_ name: String) throws(ScenarioError) -> LocatedJSON {
        guard let value = optional(name) else { throw mistake(name, "it is missing") }
        return value
    }

    /// A text that is not empty and has no control characters.
    mutating func text(_ name: String, atMost count: Int) throws(ScenarioError) -> String {
        let value = try required(name)
        guard case .string(let text) = value.value else {
            throw mistake(name, "it must be a text, and is \(value.kind)")
        }
        guard (1...count).contains(text.count), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) else {
            throw mistake(name, "it must be 1 to \(count) characters on one line")
        }
        return text
    }

    /// A name that goes into URLs, attributes and command lines: small letters, digits and hyphens.
    mutating func name(_ name: String) throws(ScenarioError) -> String {
        let text = try text(name, atMost: 40)
        let isName = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard isName else { throw mistake(name, "it must be small letters, digits and hyphens") }
        return text
    }

    mutating func number(_ name: String, in range: ClosedRange<Double>) throws(ScenarioError) -> Double {
        let value = try required(name)
        guard case .number(let number) = value.value else {
            throw mistake(name, "it must be a number, and is \(value.kind)")
        }
        guard range.contains(number) else {
            throw mistake(name, "it must be from \(Self.plain(range.lowerBound)) to \(Self.plain(range.upperBound))")
        }
        return number
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(ScenarioError) -> Int {
        let number = try number(name, in: Double(range.lowerBound)...Double(range.upperBound))
        guard let integer = Int(exactly: number) else { throw mistake(name, "it must be a whole number") }
        return integer
    }

    mutating func list(_ name: String, atMost count: Int) throws(ScenarioError) -> [(LocatedJSON, place: String)] {
        let value = try required(name)
        guard case .array(let elements) = value.value else {
            throw mistake(name, "it must be a list, and is \(value.kind)")
        }
        guard elements.count <= count else { throw mistake(name, "it may have \(count) elements at most") }
        return elements.enumerated().map { ($1, "\(path(name))[\($0)]") }
    }

    /// To be called when all has been taken.
    ///
    /// - Throws: `ScenarioError` for a member that nobody knows: a slip of the pen must not pass for a default.
    func end() throws(ScenarioError) {
        if let name = left.first { throw mistake(name, "there is no such field") }
    }

    private static func plain(_ number: Double) -> String {
        number == number.rounded() ? "\(Int(number))" : "\(number)"
    }
}
