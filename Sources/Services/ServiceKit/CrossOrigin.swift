import HTTPServer
import HTTPTypes
import Hummingbird

/// Keeps pages of other sites from changing anything: on loopback there is no token that would stop them, and a browser
/// sends a simple POST for anyone.
enum CrossOrigin {
    /// Lets through what is no browser's, and what a page of this very origin sends: `Sec-Fetch-Site` (Fetch Metadata)
    /// decides where it is sent, `Origin` against `Host` where it is not.
    ///
    /// - Throws: `ServiceError` 403.
    static func check(_ request: Request) throws(ServiceError) {
        guard !isOwn(request) else { return }
        throw ServiceError(.forbidden, "cross_origin", "Only pages of this very address may do this.")
    }

    /// Refuses what was sent to a name that is not this machine's, where only this machine can be meant: a page of another
    /// site may have had its own name resolve to loopback. Probes are spared: an orchestrator's may have any name.
    ///
    /// - Throws: `ServiceError` 421 (RFC 9110, section 15.5.20).
    static func checkHost(_ request: Request) throws(ServiceError) {
        guard !LoopbackAuthority.isLoopback(request.head.authority), !request.uri.path.hasPrefix("/health") else {
            return
        }
        throw ServiceError(
            .misdirectedRequest,
            "unknown_host",
            "This is only known as localhost, or by a loopback address."
        )
    }

    private static func isOwn(_ request: Request) -> Bool {
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headers[$0] }) {
            return site == "same-origin" || site == "none"
        }
        guard let origin = request.headers[.origin] else { return true }
        return origin.split(separator: "://", maxSplits: 1).last.map(String.init) == request.head.authority
    }
}
