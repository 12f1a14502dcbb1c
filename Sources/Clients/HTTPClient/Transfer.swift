import CCurl
import HTTPTypes

/// One request on one easy handle. Confined to the driver's thread, which keeps it until the handle is removed:
/// libcurl's callbacks hold it unretained.
final class Transfer {
    let submission: Submission
    let easy: EasyHandle

    private var collector: ResponseCollector
    private var headerLines: UnsafeMutablePointer<curl_slist>?
    private var wasCutBeforeAnswer = false

    init(_ submission: Submission, on easy: EasyHandle) {
        self.submission = submission
        self.easy = easy
        let request = submission.request
        self.collector = ResponseCollector(to: request.method, maximumBodyBytes: request.maximumResponseBytes)
    }

    deinit { curl_slist_free_all(headerLines) }

    /// The transfer that a handle of the driver's belongs to.
    static func of(_ easy: UnsafeMutableRawPointer) -> Transfer? {
        var context: UnsafeMutableRawPointer?
        ccurl_get_pointer(easy, CURLINFO_PRIVATE, &context)
        return context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Sets the handle up; `easy.failure` tells whether libcurl took every option.
    func prepare(_ configuration: CurlClient.Configuration) {
        setTarget()
        setLimits(configuration)
        setMethodAndBody()
        setHeaders(userAgent: configuration.userAgent)
        setCallbacks()
    }

    private func setTarget() {
        easy.set(CURLOPT_URL, submission.target.text)
        // A `..` in a path is somebody's name for a thing: to be answered, not to lead to another resource.
        easy.set(CURLOPT_PATH_AS_IS, true)
        // Everything else libcurl speaks (file:, smtp:…) stays shut, whatever a URL says.
        easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_FOLLOWLOCATION, false)
        easy.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        easy.set(CURLOPT_HTTP09_ALLOWED, false)
        easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
        easy.set(CURLOPT_TCP_NODELAY, true)
        // Without this option libcurl asks the environment (`no_proxy`, then `http_proxy`…).
        if submission.target.isLoopback { easy.set(CURLOPT_NOPROXY, "*") }
    }

    private func setLimits(_ configuration: CurlClient.Configuration) {
        easy.set(CURLOPT_NOSIGNAL, true)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTimeout)
        // Less than servers wait, ours among them: a request must not be sent on a connection that is being closed.
        easy.set(CURLOPT_MAXAGE_CONN, 55)
        easy.set(CURLOPT_TIMEOUT_MS, ContinuousClock.now.duration(to: submission.deadline))
        // getaddrinfo runs on a thread of libcurl's and cannot be interrupted. Without this, giving up a request
        // whose name is being looked up waits for it, and with it this client's every other request: on a dead
        // network that is many seconds. With it, the look-up's thread is left to end by itself.
        easy.set(CURLOPT_QUICK_EXIT, true)
    }

    private func setMethodAndBody() {
        let request = submission.request
        if request.method == .head {
            easy.set(CURLOPT_NOBODY, true)
            return
        }
        // With these three an empty body is announced by its length (RFC 9110 §8.6).
        let announcesEmptyBody = [.post, .put, .patch].contains(request.method)
        if announcesEmptyBody || !request.body.isEmpty {
            easy.set(CURLOPT_POST, true)
            easy.setCopiedBody(request.body)
        } else {
            easy.set(CURLOPT_HTTPGET, true)
        }
        easy.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
    }

    private func setHeaders(userAgent: String) {
        let headers = submission.request.headers
        // A name and a colon alone keep libcurl from sending the field of its own accord.
        addHeaderLine(Array("Expect:".utf8))
        for name in [HTTPField.Name.accept, .contentType] where !headers.contains(name) {
            addHeaderLine(Array("\(name.rawName):".utf8))
        }
        for field in headers where !Self.connectionFields.contains(field.name) { addHeaderLine(Self.line(for: field)) }
        if !headers.contains(.userAgent) {
            addHeaderLine(Self.line(for: HTTPField(name: .userAgent, value: userAgent)))
        }
        easy.set(CURLOPT_HTTPHEADER, headerLines)
    }

    /// What frames a message or concerns one connection (RFC 9110 §7.6.1, RFC 9112 §6) is libcurl's to say: a wrong
    /// Content-Length from a caller would let the rest of its body pass for another request.
    private static let connectionFields: Set<HTTPField.Name> = Set(
        [
            "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
            "Transfer-Encoding", "Upgrade",
        ].compactMap { HTTPField.Name($0) }
    )

    /// `HTTPField` has no CR, LF or NUL in it, so a line stays one line. An empty value is written with a semicolon,
    /// which libcurl turns into a colon.
    private static func line(for field: HTTPField) -> [UInt8] {
        let value = field.withUnsafeBytesOfValue { Array($0) }
        return Array((field.name.rawName + (value.isEmpty ? ";" : ": ")).utf8) + value
    }

    private func addHeaderLine(_ line: [UInt8]) {
        let longer = (line + [0]).withUnsafeBytes { bytes in
            curl_slist_append(headerLines, bytes.assumingMemoryBound(to: CChar.self).baseAddress)
        }
        if let longer { headerLines = longer }
    }

    private func setCallbacks() {
        let context = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        for option in [CURLOPT_PRIVATE, CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_PREREQDATA] {
            easy.set(option, context)
        }
        // Taking fewer bytes than were offered ends the transfer with CURLE_WRITE_ERROR.
        easy.setCallback(CURLOPT_HEADERFUNCTION) { data, size, count, context in
            Transfer.receive(data, size * count, context) { $0.collector.take(line: $1) }
        }
        easy.setCallback(CURLOPT_WRITEFUNCTION) { data, size, count, context in
            Transfer.receive(data, size * count, context) { $0.collector.take(content: $1) }
        }
        easy.setPrereqCallback { context, _, _, _, _ in
            guard let context else { return CURL_PREREQFUNC_ABORT }
            let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.mayBeSentNow() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
    }

    private static func receive(
        _ data: UnsafeMutablePointer<CChar>?,
        _ count: Int,
        _ context: UnsafeMutableRawPointer?,
        _ take: (Transfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        return take(transfer, UnsafeRawBufferPointer(start: data, count: count)) ? count : 0
    }

    /// libcurl asks before each time it sends the request.
    ///
    /// When a kept-alive connection ends before the first byte of an answer, libcurl 7.88 sends the request again on
    /// a new one, up to five times and whatever its method (`Curl_retry_request` in lib/transfer.c): an order whose
    /// server fell over after it had been taken would be placed twice. So a second sending is allowed only if no
    /// byte of the request left on the first, or if repeating it does no harm: the rule of RFC 9110 §9.2.2, and of
    /// Go's net/http. A connection seen to be closed before use is not part of this: libcurl replaces it.
    private func mayBeSentNow() -> Bool {
        wasCutBeforeAnswer = easy.long(CURLINFO_REQUEST_SIZE) > 0 && !submission.request.isRepeatable
        return !wasCutBeforeAnswer
    }
}

/// What became of it.
extension Transfer {
    func result(for outcome: CURLcode) -> Result<IncomingResponse, HTTPTransportError> {
        guard outcome == CURLE_OK, collector.hasWholeHeaders, collector.status <= 999 else {
            return .failure(error(for: outcome))
        }
        let port = easy.long(CURLINFO_PRIMARY_PORT)
        return .success(
            IncomingResponse(
                status: HTTPResponse.Status(code: collector.status),
                headers: collector.headers,
                body: collector.body,
                protocolVersion: Self.versionName(easy.long(CURLINFO_HTTP_VERSION)),
                peerAddress: easy.string(CURLINFO_PRIMARY_IP).flatMap { $0.isEmpty ? nil : $0 },
                peerPort: port > 0 ? port : nil
            )
        )
    }

    func error(for outcome: CURLcode) -> HTTPTransportError {
        CurlFailure(
            outcome: outcome,
            refusal: collector.refusal,
            wasCutBeforeAnswer: wasCutBeforeAnswer,
            endedWhileConnecting: endedWhileConnecting,
            foundNoAddress: easy.microseconds(CURLINFO_NAMELOOKUP_TIME_T) == 0,
            detail: easy.errorDetail
        ).error(about: submission.subject)
    }

    /// Whether there was time left, and nothing had been sent. libcurl's clock is not ours: near the end, the request's
    /// own timeout is taken to be the one that ran out.
    private var endedWhileConnecting: Bool {
        let timeLeft = ContinuousClock.now.duration(to: submission.deadline)
        return easy.long(CURLINFO_REQUEST_SIZE) == 0 && timeLeft > .milliseconds(10)
    }

    private static func versionName(_ version: Int) -> String {
        switch version {
        case CURL_HTTP_VERSION_1_0: "1.0"
        case CURL_HTTP_VERSION_2_0: "2"
        case CURL_HTTP_VERSION_3: "3"
        default: "1.1"
        }
    }
}
