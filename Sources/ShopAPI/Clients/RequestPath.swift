public import HTTPTypes
import ServiceTracing

/// A method, a path by its template, and what fills it: so that spans are named by the template and never by a value.
public struct RequestPath: Sendable {
    public let method: HTTPRequest.Method
    /// Such as `/cart/{cart_id}`.
    public let template: String
    /// The path and query, percent-encoded.
    public let text: String
    /// Beside the ones that every call has.
    public var headers = HTTPFields()

    /// - Parameters:
    ///   - values: What stands for each `{name}` of the template.
    ///   - query: Left out where the value is nil.
    public init(
        _ method: HTTPRequest.Method,
        _ template: String,
        _ values: [String: String] = [:],
        query: [(String, String?)] = []
    ) {
        self.method = method
        self.template = template
        var path = template
        for (name, value) in values {
            path = path.split(separator: "{\(name)}", omittingEmptySubsequences: false)
                .joined(separator: Self.encode(value))
        }
        let pairs = query.compactMap { name, value in value.map { "\(Self.encode(name))=\(Self.encode($0))" } }
        text = pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }

    var spanName: String { "\(method.rawValue) \(template)" }

    func attributes(to service: ServiceName, at base: BaseURL) -> Attributes {
        [
            "http.request.method": .string(method.rawValue),
            "url.full": .string(base.text + text),
            "url.template": .string(template),
            "server.address": .string(base.host),
            "server.port": .int(base.port),
            "peer.service": .string(service.rawValue),
        ]
    }

    /// Everything but the unreserved characters of RFC 3986, section 2.3.
    private static func encode(_ value: String) -> String {
        var text = ""
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.append(Character(UnicodeScalar(byte)))
            default:
                let digits = Array("0123456789ABCDEF")
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return text
    }
}

/// The parts of `scheme://user:password@host:port` that a span may show.
public struct BaseURL: Hashable, Sendable {
    /// Without credentials.
    public let text: String
    public let host: String
    /// The scheme's own where the URL names none.
    public let port: Int

    public init(_ url: String) {
        let parts = url.split(separator: "://", maxSplits: 1)
        let scheme = parts.count == 2 ? String(parts[0]) : "http"
        let authority = (parts.last ?? "").prefix { $0 != "/" }
        let place = authority.split(separator: "@").last ?? ""
        let colon = place.lastIndex(of: ":").flatMap { place[$0...].contains("]") ? nil : $0 }
        text = "\(scheme)://\(place)"
        host = place[..<(colon ?? place.endIndex)].filter { $0 != "[" && $0 != "]" }
        port = colon.flatMap { Int(place[place.index(after: $0)...]) } ?? (scheme == "https" ? 443 : 80)
    }
}
