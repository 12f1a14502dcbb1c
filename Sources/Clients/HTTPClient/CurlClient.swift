import BackgroundExecutor
import CCurl
import Synchronization

/// The outgoing HTTP client: libcurl's multi interface, driven by one thread of its own.
///
/// Connections are kept alive and shared by all requests: HTTP/1.1 for `http`, HTTP/2 where ALPN agrees to it for
/// `https`. Proxies are taken from the environment as libcurl does (`http_proxy`, `https_proxy`, `no_proxy`), except
/// that a loopback host is always spoken to directly. `SIGPIPE` is blocked on the thread.
///
/// A client that is let go of without ``shutDown()`` ends its thread too.
public final class CurlClient: HTTPTransport {
    /// The bounds of a client.
    public struct Configuration: Sendable {
        /// The most connections open at a time.
        public var maximumConnections: Int

        /// The most connections open to one host and port at a time.
        public var maximumConnectionsPerHost: Int

        /// The time that finding the address, connecting and the TLS handshake may take together.
        public var connectTimeout: Duration

        /// The most requests admitted and not finished; more fail at once.
        public var maximumWaiting: Int

        /// The `User-Agent` of a request that has none of its own.
        public var userAgent: String

        /// Whether the thread takes only what others leave of a core: for a client that nobody waits for.
        public var givesWay: Bool

        /// Creates a configuration.
        public init(
            maximumConnections: Int = 64,
            maximumConnectionsPerHost: Int = 32,
            connectTimeout: Duration = .seconds(2),
            maximumWaiting: Int = 4096,
            userAgent: String = "PopShop",
            givesWay: Bool = false
        ) {
            self.maximumConnections = maximumConnections
            self.maximumConnectionsPerHost = maximumConnectionsPerHost
            self.connectTimeout = connectTimeout
            self.maximumWaiting = maximumWaiting
            self.userAgent = userAgent
            self.givesWay = givesWay
        }
    }

    private let mailbox: Mailbox

    /// Creates a client and starts its thread.
    ///
    /// - Throws: ``HTTPTransportError/Code/other`` if the system grants no thread or no descriptor.
    public init(configuration: Configuration = .init()) throws(HTTPTransportError) {
        guard globalInitialization == CURLE_OK, let multi = curl_multi_init() else {
            throw HTTPTransportError(.other, "libcurl could not be started.")
        }
        let mailbox = Mailbox(capacity: configuration.maximumWaiting, waking: multi)
        self.mailbox = mailbox
        let started = startThread {
            if configuration.givesWay { BackgroundExecutor.giveWay() }
            var driver = Driver(mailbox: mailbox, configuration: configuration)
            driver.run()
        }
        guard started else {
            curl_multi_cleanup(multi)
            throw HTTPTransportError(.other, "The HTTP client's thread could not be started.")
        }
    }

    deinit { mailbox.close() }

    /// Sends `request` and returns the peer's answer.
    ///
    /// A kept-alive connection that the peer has closed in the meantime is noticed and replaced. Should it close
    /// while the request is on its way, the request is sent once more if it is idempotent, or carries an
    /// `Idempotency-Key`; else it fails with ``HTTPTransportError/Code/badResponse``, since it may have been acted
    /// on (RFC 9110 §9.2.2).
    public func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        let target = try TargetURL(request.url)
        let ticket = Ticket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let submission = Submission(
                    ticket: ticket,
                    request: request,
                    target: target,
                    continuation: continuation
                )
                if let refusal = mailbox.submit(submission) {
                    continuation.resume(returning: .failure(refusal))
                }
            }
        } onCancel: {
            mailbox.cancel(ticket)
        }
        return try result.get()
    }

    /// Fails every unfinished request with ``HTTPTransportError/Code/shutDown``, and returns when they have been
    /// told, the connections are closed and the thread is done. May be called again, and from several tasks.
    public func shutDown() async {
        mailbox.close()
        await mailbox.waitUntilEnded()
    }
}

/// Once a process, and never undone: other users of libcurl may be in it.
private let globalInitialization = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
