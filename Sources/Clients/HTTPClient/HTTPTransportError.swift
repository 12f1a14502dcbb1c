/// Why there is no answer.
public struct HTTPTransportError: Error, Sendable, CustomStringConvertible {
    /// The reason, as a caller tells one from another.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case invalidURL, resolve, connect, timeout, cancelled, tls, badResponse, responseTooLarge, tooManyRequests
            case shutDown, other
        }

        private let value: Value

        private init(_ value: Value) { self.value = value }

        /// The URL is not an absolute http or https URL. Nothing was sent.
        public static let invalidURL = Code(.invalidURL)

        /// The name of the host, or of the proxy, has no address, or none was found in time. Nothing was sent.
        public static let resolve = Code(.resolve)

        /// No connection: refused, unreachable, or not made within the connect timeout. Nothing was sent.
        public static let connect = Code(.connect)

        /// The exchange took longer than ``OutgoingRequest/timeout``. The peer may have acted on the request.
        public static let timeout = Code(.timeout)

        /// The task that sent the request was cancelled. The peer may have acted on the request.
        public static let cancelled = Code(.cancelled)

        /// The peer's certificate is not trusted, or the TLS handshake failed. Nothing was sent.
        public static let tls = Code(.tls)

        /// The peer does not speak HTTP, or ended the connection without a whole answer. It may have acted on the
        /// request.
        public static let badResponse = Code(.badResponse)

        /// The content is longer than ``OutgoingRequest/maximumResponseBytes``, or the header section than 256 KiB.
        public static let responseTooLarge = Code(.responseTooLarge)

        /// As many requests as are allowed are unfinished. Nothing was sent.
        public static let tooManyRequests = Code(.tooManyRequests)

        /// The client was shut down. The peer may have acted on the request.
        public static let shutDown = Code(.shutDown)

        /// Something else, which the message names.
        public static let other = Code(.other)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// The reason.
    public var code: Code

    /// One sentence for a log. It names the method, scheme, host and port, and never a header's value, a path, a
    /// query or credentials.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
