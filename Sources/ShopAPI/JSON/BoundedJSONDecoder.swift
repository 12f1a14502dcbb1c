public import FoundationEssentials

/// Foundation's decoder, for what anybody may have written. By itself it ends the process over a text that ends in its 513th
/// open bracket: it looks beyond the end for where the mistake is (swift-foundation of Swift 6.3).
public struct BoundedJSONDecoder: Sendable {
    /// How deep arrays and objects may be nested. Messages here are 5 deep at most.
    public static let deepest = 64

    private static let foundation = JSONDecoder()

    /// - Throws: `DecodingError`, also for what is nested too deep and for a NUL, which UTF-8 JSON has none of (RFC 8259,
    ///   sections 7 and 8.1) and every other encoding of it many.
    public func decode<Message: Decodable>(_ type: Message.Type, from data: Data) throws -> Message {
        if let reason = data.withUnsafeBytes(Self.refusal) {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: reason))
        }
        return try Self.foundation.decode(type, from: data)
    }

    private static func refusal(_ text: UnsafeRawBufferPointer) -> String? {
        var (depth, isString, isEscaped) = (0, false, false)
        for byte in text {
            switch byte {
            case 0: return "It has a NUL in it, or is no UTF-8."
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isString: isEscaped = true
            case UInt8(ascii: "\""): isString.toggle()
            case _ where isString: break
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > deepest { return "It is nested more than \(deepest) deep." }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return nil
    }
}
