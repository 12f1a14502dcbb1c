public import HTTPTypes

extension HTTPResponse.Status {
    /// 402 (RFC 9110, section 15.5.3), which HTTPTypes leaves out.
    public static var paymentRequired: Self { Self(code: 402, reasonPhrase: "Payment Required") }
}

/// An error as a client sees it: a status, a code and a sentence. Whatever else is known goes to the span and the log.
public struct ServiceError: Error, Sendable {
    public let status: HTTPResponse.Status
    /// snake_case.
    public let code: String
    /// One sentence, without stack, SQL or file path.
    public let message: String
    public let headers: HTTPFields
    /// For the span and the log only.
    public let cause: String?

    public init(
        _ status: HTTPResponse.Status,
        _ code: String,
        _ message: String,
        headers: HTTPFields = [:],
        cause: String? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.cause = cause
    }

    /// 404 with a code of the thing's own: `product_not_found`.
    public static func notFound(_ thing: String, _ id: String) -> ServiceError {
        ServiceError(.notFound, "\(thing)_not_found", "There is no \(thing) \(id.prefix(64)).")
    }
}
