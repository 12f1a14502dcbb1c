import FoundationEssentials

/// A JSON text (RFC 8259) of which every value knows its line: so that a mistake in a file written by hand can be
/// shown to whoever wrote it.
struct LocatedJSON: Sendable {
    enum Value: Sendable {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([LocatedJSON])
        /// In the order they are written.
        case object([(name: String, value: LocatedJSON)])
    }

    let value: Value
    /// From 1: where the value begins.
    let line: Int

    /// - Throws: `ScenarioError` with the line at which the text is no JSON any more.
    init(_ bytes: [UInt8]) throws(ScenarioError) {
        var parser = Parser(rest: bytes[...])
        self = try parser.text()
    }

    fileprivate init(_ value: Value, line: Int) {
        self.value = value
        self.line = line
    }

    /// What the value is, for a sentence.
    var kind: String {
        switch value {
        case .null: "null"
        case .bool: "a truth value"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

private struct Parser {
    private static let maximumDepth = 32

    var rest: ArraySlice<UInt8>
    private var line = 1

    init(rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    mutating func text() throws(ScenarioError) -> LocatedJSON {
        // Strings are looked into only below: bytes that are no UTF-8 must not become a replacement character.
        guard String(validating: rest, as: UTF8.self) != nil else { throw mistake("the text is not UTF-8") }
        let value = try value(depth: 0)
        guard rest.isEmpty else { throw mistake("there is something behind the end of the JSON") }
        return value
    }

    private mutating func value(depth: Int) throws(ScenarioError) -> LocatedJSON {
        skipSpace()
        guard depth < Self.maximumDepth else { throw mistake("it is nested too deeply") }
        let begun = line
        let value: LocatedJSON.Value
        switch rest.first {
        case UInt8(ascii: "{"): value = .object(try members(depth: depth))
        case UInt8(ascii: "["): value = .array(try elements(depth: depth))
        case UInt8(ascii: "\""): value = .string(try string())
        case nil: throw mistake("the JSON ends too early")
        default: value = try word()
        }
        skipSpace()
        return LocatedJSON(value, line: begun)
    }

    private mutating func members(depth: Int) throws(ScenarioError) -> [(name: String, value: LocatedJSON)] {
        rest.removeFirst()
        var members: [(name: String, value: LocatedJSON)] = []
        skipSpace()
        if take("}") { return members }
        repeat {
            skipSpace()
            guard rest.first == UInt8(ascii: "\"") else { throw mistake("a name in quotation marks is missing") }
            let name = try string()
            guard !members.contains(where: { $0.name == name }) else { throw mistake("\(name) is there twice") }
            skipSpace()
            guard take(":") else { throw mistake("a colon is missing after \(name)") }
            members.append((name, try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw mistake("a comma or } is missing") }
        return members
    }

    private mutating func elements(depth: Int) throws(ScenarioError) -> [LocatedJSON] {
        rest.removeFirst()
        var elements: [LocatedJSON] = []
        skipSpace()
        if take("]") { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw mistake("a comma or ] is missing") }
        return elements
    }

    /// Its end is found here, and what it means is Foundation's to say.
    private mutating func string() throws(ScenarioError) -> String {
        let begin = rest.startIndex
        var index = rest.index(after: begin)
        while index < rest.endIndex, rest[index] != UInt8(ascii: "\""), rest[index] >= 0x20 {
            index += rest[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < rest.endIndex, rest[index] == UInt8(ascii: "\"") else {
            throw mistake("a quotation mark is missing at the end of a text")
        }
        let token = Data(rest[begin...index])
        rest = rest[(index + 1)...]
        guard let text = try? JSONDecoder().decode(String.self, from: token) else {
            throw mistake("a text has an escape that JSON does not know")
        }
        return text
    }

    private mutating func word() throws(ScenarioError) -> LocatedJSON.Value {
        let word = rest.prefix { byte in
            !" \t\r\n,:{}[]\"".utf8.contains(byte)
        }
        rest = rest.dropFirst(word.count)
        let text = String(decoding: word, as: UTF8.self)
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            guard let number = try? JSONDecoder().decode(Double.self, from: Data(word)), number.isFinite else {
                throw mistake(text.isEmpty ? "a value is missing" : "\(text.prefix(40)) is no value of JSON")
            }
            return .number(number)
        }
    }

    private mutating func skipSpace() {
        while let byte = rest.first, [0x20, 0x09, 0x0a, 0x0d].contains(byte) {
            if byte == 0x0a { line += 1 }
            rest.removeFirst()
        }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: sign) else { return false }
        rest.removeFirst()
        return true
    }

    private func mistake(_ problem: String) -> ScenarioError {
        ScenarioError(line: line, field: nil, problem: problem)
    }
}
