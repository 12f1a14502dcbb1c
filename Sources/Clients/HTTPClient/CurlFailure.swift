import CCurl

/// A failed transfer: the one place that turns what libcurl reports into an error of ours.
struct CurlFailure {
    let outcome: CURLcode
    let refusal: ResponseCollector.Refusal?
    let wasCutBeforeAnswer: Bool

    /// Whether a time-out was that of connecting, and not the request's own.
    let endedWhileConnecting: Bool

    /// Whether the host's address was unknown to the last.
    let foundNoAddress: Bool

    /// libcurl's own sentence. It may quote the peer, so it is shown only where it is needed: for TLS.
    let detail: String

    func error(about subject: String) -> HTTPTransportError {
        let (code, reason) = classified
        return HTTPTransportError(code, "\(subject): \(reason).")
    }

    private var classified: (HTTPTransportError.Code, String) {
        switch refusal {
        case .contentTooLong: return (.responseTooLarge, "the answer's content is longer than allowed")
        case .headersTooLong: return (.responseTooLarge, "the answer's header section is longer than allowed")
        case nil: break
        }
        if wasCutBeforeAnswer {
            return (.badResponse, "the connection was closed before an answer came, and repeating it may do harm")
        }
        return classifiedByOutcome
    }

    private var classifiedByOutcome: (HTTPTransportError.Code, String) {
        let reason = String(cString: curl_easy_strerror(outcome))
        switch outcome {
        case CURLE_URL_MALFORMAT:
            return (.invalidURL, reason)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            return (.resolve, reason)
        case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED:
            return (.connect, reason)
        case CURLE_OPERATION_TIMEDOUT:
            return timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            return (.tls, detail.isEmpty ? reason : detail)
        case CURLE_UNSUPPORTED_PROTOCOL:
            // The URL's own scheme has been checked, so this is an answer without a status line ("HTTP/0.9").
            return (.badResponse, "the peer does not speak HTTP")
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_WEIRD_SERVER_REPLY,
            CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_BAD_CONTENT_ENCODING, CURLE_OK:
            return (.badResponse, outcome == CURLE_OK ? "the answer ends within its header section" : reason)
        default:
            return (.other, reason)
        }
    }

    private var timedOut: (HTTPTransportError.Code, String) {
        if !endedWhileConnecting { return (.timeout, "no whole answer within its timeout") }
        if foundNoAddress { return (.resolve, "no address was found within the connect timeout") }
        return (.connect, "no connection was made within the connect timeout")
    }
}
