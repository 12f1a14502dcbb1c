public import HTTPTypes

/// A whole answer.
public struct IncomingResponse: Sendable {
    /// The status of the final answer; interim ones (RFC 9110 §15.2) are left out.
    public var status: HTTPResponse.Status

    /// The header section. Trailers are not part of it (RFC 9110 §6.5.1) and are dropped.
    public var headers: HTTPFields

    /// The content, as it was encoded by the sender: no content coding is undone.
    public var body: [UInt8]

    /// The protocol's version as OpenTelemetry's `network.protocol.version` writes it: "1.0", "1.1" or "2".
    public var protocolVersion: String

    /// The IP address of the other end of the connection, which is the proxy's if there is one; nil if unknown.
    public var peerAddress: String?

    /// The TCP port of the other end of the connection; nil if unknown.
    public var peerPort: Int?

    /// Creates an answer.
    public init(
        status: HTTPResponse.Status,
        headers: HTTPFields = [:],
        body: [UInt8] = [],
        protocolVersion: String = "1.1",
        peerAddress: String? = nil,
        peerPort: Int? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.protocolVersion = protocolVersion
        self.peerAddress = peerAddress
        self.peerPort = peerPort
    }
}
