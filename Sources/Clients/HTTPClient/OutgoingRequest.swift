public import HTTPTypes

/// A request to send.
public struct OutgoingRequest: Sendable {
    /// The method (RFC 9110 §9).
    public var method: HTTPRequest.Method

    /// An absolute `http` or `https` URL in the characters of RFC 3986; anything else is refused as
    /// ``HTTPTransportError/Code/invalidURL``. A fragment is not sent.
    public var url: String

    /// The header fields to send.
    ///
    /// Fields that frame the message or belong to the connection (RFC 9110 §7.6.1, RFC 9112 §6) are the transport's
    /// own and are left out if given: Connection, Content-Length, Expect, Host, Keep-Alive, Proxy-Connection, TE,
    /// Trailer, Transfer-Encoding and Upgrade.
    public var headers: HTTPFields

    /// The content; empty means none. A HEAD request is sent without it.
    public var body: [UInt8]

    /// The time the whole exchange may take, waiting for a connection included.
    public var timeout: Duration

    /// The longest content that is accepted, in bytes. A longer answer is abandoned as soon as that is known and
    /// fails with ``HTTPTransportError/Code/responseTooLarge``.
    public var maximumResponseBytes: Int

    /// Creates a request; by default ten seconds and 8 MiB of answer are allowed.
    public init(
        method: HTTPRequest.Method = .get,
        url: String,
        headers: HTTPFields = [:],
        body: [UInt8] = [],
        timeout: Duration = .seconds(10),
        maximumResponseBytes: Int = 8 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
    }

    /// Whether others on the way can read it: plain HTTP to a host that is not this machine. What is no URL is not sent.
    public var isInTheClear: Bool {
        guard let target = try? TargetURL(url) else { return false }
        return !target.isLoopback && !target.origin.hasPrefix("https:")
    }

    /// Whether the request may be sent again although a peer may already have acted on it: its method is idempotent
    /// (RFC 9110 §9.2.2), or an `Idempotency-Key` lets the server recognise the repetition.
    var isRepeatable: Bool {
        switch method {
        case .get, .head, .options, .trace, .put, .delete: true
        default: Self.idempotencyKey.map(headers.contains) ?? false
        }
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")
}
