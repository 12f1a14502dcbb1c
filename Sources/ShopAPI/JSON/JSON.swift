public import FoundationEssentials

/// The one way JSON is written and read between services.
public enum JSON {
    /// Sorted keys: the same answer is the same bytes.
    public static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    public static let decoder = BoundedJSONDecoder()

    /// A message as UTF-8 text.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot carry.
    public static func bytes(_ message: some Encodable) throws -> [UInt8] {
        guard let message = message as? any JSONWritable else { return [UInt8](try encoder.encode(message)) }
        var text = JSONText()
        try message.write(to: &text)
        return text.bytes
    }
}
