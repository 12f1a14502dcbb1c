/// What sends a request: libcurl in the product, a simulated network in a test.
///
/// Every implementation keeps this contract:
/// - The whole answer is returned, whatever its status: a 404 or a 503 is an answer, not an error.
/// - Redirects are returned, never followed.
/// - A cancelled task gets ``HTTPTransportError/Code/cancelled`` promptly, and its exchange is abandoned.
/// - A request that may have reached the peer is sent again only where RFC 9110 §9.2.2 allows it.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and returns the peer's answer.
    ///
    /// - Throws: ``HTTPTransportError`` where there is no whole answer, with the reason as its code.
    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse
}
