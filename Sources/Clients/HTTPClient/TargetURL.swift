import CCurl
import Glibc

/// A URL that may be sent to, as libcurl's own parser reads it, so that what is checked here is what is used there.
struct TargetURL: Sendable {
    let text: String

    /// Scheme, host and port: what connections are counted by, and what an error message may show.
    let origin: String

    let isLoopback: Bool

    /// - Throws: ``HTTPTransportError/Code/invalidURL``, with a message that does not repeat the URL.
    init(_ text: String) throws(HTTPTransportError) {
        guard Self.isAbsoluteHTTP(text), let parts = Self.parse(text) else {
            throw HTTPTransportError(.invalidURL, "The URL is not an absolute http or https URL.")
        }
        self.text = text
        self.origin = "\(parts.scheme)://\(parts.host.lowercased()):\(parts.port)"
        self.isLoopback = Self.isLoopback(host: parts.host)
    }

    /// libcurl also takes `http:host`, `http:///host` and raw bytes outside of RFC 3986; a NUL would cut the C string.
    private static func isAbsoluteHTTP(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return false }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let scheme = text[..<colon].lowercased()
        let rest = text[colon...]
        return (scheme == "http" || scheme == "https") && rest.hasPrefix("://") && !rest.hasPrefix(":///")
    }

    private static func parse(_ text: String) -> (scheme: String, host: String, port: String)? {
        guard let url = curl_url() else { return nil }
        defer { curl_url_cleanup(url) }
        guard
            curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = part(CURLUPART_SCHEME, of: url),
            let host = part(CURLUPART_HOST, of: url),
            let port = part(CURLUPART_PORT, of: url)
        else { return nil }
        return (scheme, host, port)
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &value, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let value else { return nil }
        defer { curl_free(value) }
        return String(cString: value)
    }

    /// 127.0.0.0/8, ::1 in every spelling, and the names that libcurl itself maps to them (RFC 6761 §6.3). The
    /// parser has already written IPv4 as four decimal numbers.
    private static func isLoopback(host: String) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        var v4 = in_addr()
        if inet_pton(AF_INET, name, &v4) == 1 { return UInt32(bigEndian: v4.s_addr) >> 24 == 127 }
        guard name.hasPrefix("["), name.hasSuffix("]") else { return false }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, String(name.dropFirst().dropLast()), &v6) == 1 else { return false }
        return withUnsafeBytes(of: v6) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }
}
