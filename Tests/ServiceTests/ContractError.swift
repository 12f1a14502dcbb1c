import ServiceTracing
import ShopAPI
import TestSupport
import Testing

extension ShopHarness {
    /// The contract's error: a sentence, a code, and the trace to look at, which is recorded; and nothing from inside.
    func expectContractError(
        _ answer: HTTPAnswer,
        _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(answer.json.names == ["error", "code", "trace_id"], comment, sourceLocation: sourceLocation)
        #expect(answer.header("content-type") == "application/json", comment, sourceLocation: sourceLocation)
        let sentence = answer.json["error"].text ?? ""
        #expect(sentence.hasSuffix(".") && sentence.count > 5, comment, sourceLocation: sourceLocation)
        for inside in ["SELECT", "INSERT", ".swift", ".sqlite", "/tmp", "Error(", "Optional("] {
            #expect(!sentence.contains(inside), comment, sourceLocation: sourceLocation)
        }
        #expect(answer.code?.wholeMatch(of: /[a-z0-9_]+/) != nil, comment, sourceLocation: sourceLocation)
        let id = try #require(answer.json["trace_id"].text, comment, sourceLocation: sourceLocation)
        #expect(id == answer.traceID, comment, sourceLocation: sourceLocation)
        #expect(!spans.trace(id).isEmpty, comment, sourceLocation: sourceLocation)
    }
}
