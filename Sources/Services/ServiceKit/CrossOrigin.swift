import HTTPTypes
import Hummingbird

/// Keeps pages of other sites from changing the demo's state: on loopback there is no token that would stop them, and a
/// browser sends a simple POST for anyone.
enum CrossOrigin {
    /// Lets through what is no browser's, and what a page of this very origin sends: `Sec-Fetch-Site` (Fetch Metadata)
    /// decides where it is sent, `Origin` against `Host` where it is not.
    ///
    /// - Throws: `ServiceError` 403.
    static func check(_ request: Request) throws(ServiceError) {
        guard !isOwn(request) else { return }
        throw ServiceError(.forbidden, "cross_origin", "Only pages of this very address may do this.")
    }

    private static func isOwn(_ request: Request) -> Bool {
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headers[$0] }) {
            return site == "same-origin" || site == "none"
        }
        guard let origin = request.headers[.origin] else { return true }
        return origin.split(separator: "://", maxSplits: 1).last.map(String.init) == request.head.authority
    }
}
