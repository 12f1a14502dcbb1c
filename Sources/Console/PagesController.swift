import Assets
import Gzip
import HTTPTypes
import Hummingbird
import NIOCore
public import ServiceKit

/// The console's pages and what they are made of: files of `Sources/Console/Web`, compiled into the binary.
public struct PagesController: Sendable {
    private static let folder = "Sources/Console/Web/"
    /// The pages by their paths; every other file is under `/assets/`.
    private static let paths = [
        "shop.html": "/", "traces.html": "/traces", "trace.html": "/traces/{trace_id}", "map.html": "/map",
        "control.html": "/control", "sync.html": "/sync",
    ]

    /// What every page begins with: the one file that has no path of its own.
    private static let header = "header.html"

    public init() {}

    /// Adds a route a file.
    public func addRoutes(to router: ServiceRouter) {
        let header = Asset.at(Self.folder + Self.header).map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        for asset in Asset.under(Self.folder) where asset.path != Self.folder + Self.header {
            let name = String(asset.path.dropFirst(Self.folder.count))
            let bytes = Self.paths[name].map { Self.page(asset.bytes, header, at: $0) } ?? asset.bytes
            let page = Page(bytes, of: asset.path)
            router.get(Self.paths[name] ?? "/assets/\(name)") { request, _ in page.response(to: request) }
        }
    }

    /// A page with its header, in which the link to it, or to the list it belongs to, is the current one.
    private static func page(_ bytes: [UInt8], _ header: String, at path: String) -> [UInt8] {
        let list = "/" + path.split(separator: "/").prefix(1).joined()
        let current = header.replacing("<a href=\"\(list)\">", with: "<a href=\"\(list)\" aria-current=\"page\">")
        return Array(String(decoding: bytes, as: UTF8.self).replacing("<!--header-->", with: current).utf8)
    }
}

/// One file, plain and packed, with the headers that go with it.
private final class Page: Sendable {
    /// A page can load what this origin serves and nothing else, and nobody can frame it.
    private static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    private static let isolation = [
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    ]

    private let plain: ByteBuffer
    private let packed: ByteBuffer?
    private let headers: HTTPFields
    private let tag: String

    init(_ bytes: [UInt8], of path: String) {
        plain = ByteBuffer(bytes: bytes)
        packed = Gzip.compress(bytes, level: 9).map { ByteBuffer(bytes: $0) }
        // Weak: the packed one has other bytes and the same meaning (RFC 9110, section 8.8.1).
        tag = "W/\"\(Self.digest(bytes))\""
        var headers: HTTPFields = [
            .contentType: Self.type(of: path),
            .eTag: tag,
            // Asked for again each time, and answered with 304: a new binary's pages are seen at once.
            .cacheControl: "no-cache",
            .vary: "Accept-Encoding",
            .contentSecurityPolicy: Self.policy,
            .xContentTypeOptions: "nosniff",
        ]
        for (name, value) in Self.isolation { HTTPField.Name(name).map { headers[$0] = value } }
        self.headers = headers
    }

    func response(to request: Request) -> Response {
        if Self.names(request.headers[.ifNoneMatch], tag) { return Response(status: .notModified, headers: headers) }
        let isPacked = packed != nil && Self.takesGzip(request.headers[.acceptEncoding])
        let body = isPacked ? packed ?? plain : plain
        var headers = headers
        headers[.contentLength] = "\(body.readableBytes)"
        if isPacked { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// `If-None-Match` by weak comparison (RFC 9110, section 13.1.2).
    private static func names(_ header: String?, _ tag: String) -> Bool {
        guard let header else { return false }
        return header == "*" || header.split(separator: ",").contains { $0.filter { $0 != " " } == tag }
    }

    /// `gzip` without `q=0` (RFC 9110, section 12.5.3).
    private static func takesGzip(_ header: String?) -> Bool {
        (header ?? "").lowercased().split(separator: ",").contains { coding in
            let parts = coding.filter { $0 != " " }.split(separator: ";")
            return parts.first == "gzip" && !parts.dropFirst().contains { $0 == "q=0" || $0.hasPrefix("q=0.0") }
        }
    }

    /// FNV-1a: told apart, not signed.
    private static func digest(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    private static func type(of path: String) -> String {
        switch path.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }
}
