import FoundationEssentials
import ShopAPI
import Testing

/// What Foundation's decoder would not survive, or would take for another encoding.
struct BoundedDecodingTests {
    @Test("Text nested deeper than any message is refused, however it ends", arguments: [65, 512, 513, 514, 100_000])
    func depth(depth: Int) {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let begun = String(repeating: open, count: depth)
            for text in [begun, begun + "1" + String(repeating: close, count: depth)] {
                #expect(throws: DecodingError.self) { try JSON.decoder.decode(JSONValue.self, from: Data(text.utf8)) }
            }
        }
    }

    @Test("Brackets in a string are text, and 64 deep is read")
    func shallow() throws {
        let brackets = String(repeating: #"[{\"\\"#, count: 200)
        let text = #"{"a":"\#(brackets)"}"#
        #expect(throws: Never.self) { try JSON.decoder.decode(JSONValue.self, from: Data(text.utf8)) }
        let nested = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSON.decoder.decode(JSONValue.self, from: Data(nested.utf8)) }
        let many = "[" + Array(repeating: "[]", count: 500).joined(separator: ",") + "]"
        #expect(throws: Never.self) { try JSON.decoder.decode(JSONValue.self, from: Data(many.utf8)) }
    }

    @Test("No other encoding than UTF-8", arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf32BigEndian])
    func encodings(encoding: String.Encoding) throws {
        let data = try #require(#"{"a":1}"#.data(using: encoding))
        #expect(throws: DecodingError.self) { try JSON.decoder.decode(JSONValue.self, from: data) }
    }
}
