import FoundationEssentials
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore
import ShopAPI

extension Request {
    /// The most a body may have, in bytes.
    public static let maximumBody = 1 << 20

    /// Reads the body as JSON. An empty body is `{}`, so that a request of defaults needs none.
    ///
    /// - Throws: `ServiceError` 413 and 415; `InputError` and `DecodingError` for what does not fit.
    public func decode<Message: Decodable>(_ type: Message.Type) async throws -> Message {
        try await decodeWithText(type).0
    }

    /// Reads a body in which nothing is looked for: none, or a JSON object.
    ///
    /// - Throws: As `decode`.
    public func readNothing() async throws { _ = try await decode([String: JSONValue].self) }

    /// As `decode`, and the body as it came, for one who looks at it again.
    ///
    /// - Throws: As `decode`.
    public func decodeWithText<Message: Decodable>(_ type: Message.Type) async throws -> (Message, text: [UInt8]) {
        let bytes = try await collectedBody()
        guard !bytes.isEmpty else { return (try JSON.decoder.decode(type, from: Data("{}".utf8)), []) }
        try checkType(of: bytes)
        let text = Array(bytes)
        try InputError.checkJSON(text)
        return (try JSON.decoder.decode(type, from: bytes), text)
    }

    /// The body as it is, to be handed on.
    ///
    /// - Throws: `ServiceError` 415 when it says that it is no JSON; `NIOTooManyBytesError`.
    public func jsonBytes() async throws -> [UInt8] {
        let bytes = try await collectedBody()
        try checkType(of: bytes)
        return [UInt8](bytes)
    }

    private func checkType(of bytes: Data) throws(ServiceError) {
        guard bytes.isEmpty || isJSON else {
            throw ServiceError(.unsupportedMediaType, "unsupported_media_type", "The body must be application/json.")
        }
    }

    /// Refuses a body that announces itself as too large, also where nobody would read it.
    ///
    /// - Throws: `NIOTooManyBytesError`.
    func refuseLargeBody() throws {
        if let length = headers[.contentLength].flatMap(Int.init), length > Self.maximumBody {
            throw NIOTooManyBytesError(maxBytes: Self.maximumBody)
        }
    }

    private func collectedBody() async throws -> Data {
        do {
            return Data(try await body.collect(upTo: Self.maximumBody).readableBytesView)
        } catch let error as NIOTooManyBytesError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // The connection has ended before the body, or its chunks are none: that is not this service's failure.
            throw ServiceError(
                .badRequest,
                "malformed_body",
                "The body did not come as its headers say.",
                cause: "\(error)"
            )
        }
    }

    /// No type at all is taken for JSON.
    private var isJSON: Bool {
        guard let type = headers[.contentType] else { return true }
        let essence = type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        return essence == "application/json" || essence.hasSuffix("+json")
    }

    /// The query's parameters, read with their types.
    public var query: Query { Query(uri.query ?? "") }
}

/// A request's query parameters.
public struct Query {
    private let parameters: [String: String]

    /// - Parameter text: As forms and browsers write it (WHATWG URL, *application/x-www-form-urlencoded*): `+` is a
    ///   space. Of a repeated name the first counts.
    init(_ text: String) {
        let pairs = text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decode(parts[0]), parts.count > 1 ? Self.decode(parts[1]) : "")
        }
        parameters = Dictionary(pairs) { first, _ in first }
    }

    private static func decode(_ text: Substring) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        return spaced.percentDecoded ?? spaced
    }

    /// A text, nil when it is absent or empty.
    ///
    /// - Throws: `InputError` when it is over 256 bytes or has control characters, which no engine compares alike.
    public func text(_ name: String) throws -> String? {
        guard let value = parameters[name], !value.isEmpty else { return nil }
        guard value.utf8.count <= 256, value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw InputError(
                .outOfRange,
                "out_of_range",
                "\(name) must be at most 256 bytes of text without control characters."
            )
        }
        return value
    }

    /// - Throws: `InputError` when it is no whole number (400) or out of range (422).
    public func integer(_ name: String, default value: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = try text(name) else { return value }
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw InputError(.malformed, "wrong_type", "\(name) must be \(expected).")
        }
        guard let number = Int(text), range.contains(number) else {
            throw InputError(.outOfRange, "out_of_range", "\(name) must be \(expected).")
        }
        return number
    }

    /// - Throws: `InputError` when it is no number (400), or no finite one in the range (422).
    public func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let text = try text(name) else { return nil }
        guard let number = Double(text) else {
            throw InputError(.malformed, "wrong_type", "\(name) must be a number.")
        }
        guard number.isFinite, range.contains(number) else {
            throw InputError(.outOfRange, "out_of_range", "\(name) is out of range.")
        }
        return number
    }

    /// - Throws: `InputError` when it is neither `true` nor `false`.
    public func flag(_ name: String) throws -> Bool? {
        switch try text(name) {
        case nil: nil
        case "true", "1": true
        case "false", "0": false
        default: throw InputError(.malformed, "wrong_type", "\(name) must be true or false.")
        }
    }
}
