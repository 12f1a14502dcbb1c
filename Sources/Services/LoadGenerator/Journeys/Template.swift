import ShopAPI

/// Text with names in braces.
enum Template {
    /// The names in a text, in order.
    static func names(in text: String) -> [String] {
        text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().compactMap { part in
            part.firstIndex(of: "}").map { String(part[..<$0]) }
        }
    }

    /// The names in every text of a body.
    static func names(in body: JSONValue) -> [String] {
        switch body {
        case .string(let text): names(in: text)
        case .array(let values): values.flatMap(names(in:))
        case .object(let fields): fields.values.flatMap(names(in:))
        default: []
        }
    }

    static func fill(_ text: String, with values: [String: JSONValue]) -> String {
        names(in: text).reduce(text) { text, name in
            guard let value = values[name] else { return text }
            return text.split(separator: "{\(name)}", omittingEmptySubsequences: false).joined(separator: value.text)
        }
    }

    /// A `"{name}"` standing alone becomes the value itself, so that a number stays a number.
    static func fill(_ body: JSONValue, with values: [String: JSONValue]) -> JSONValue {
        switch body {
        case .string(let text):
            if let name = names(in: text).first, text == "{\(name)}", let value = values[name] { return value }
            return .string(fill(text, with: values))
        case .array(let elements): return .array(elements.map { fill($0, with: values) })
        case .object(let fields): return .object(fields.mapValues { fill($0, with: values) })
        default: return body
        }
    }
}
