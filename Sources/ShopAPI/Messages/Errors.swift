// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// The body of every error.
public struct ErrorMessage: Codable, Hashable, Sendable {
    /// One sentence for people.
    public let error: String
    /// snake_case, for programs.
    public let code: String
    /// 32 hex digits: where to look.
    public let trace_id: String

    public init(error: String, code: String, traceID: String) {
        self.error = error
        self.code = code
        trace_id = traceID
    }
}
