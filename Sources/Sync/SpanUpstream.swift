import FoundationEssentials
import HTTPClient
import HTTPTypes

/// Where spans are sent, and as whom.
public struct SpanUpstream: Sendable, CustomReflectable {
    /// The key that goes into `Authorization: Bearer`.
    ///
    /// It is only sent over TLS, or to this machine. Describes itself without it.
    public enum Key: Sendable, CustomStringConvertible, CustomReflectable {
        case none
        case fixed(String)
        /// Read anew whenever the lane is blocked, so that a right key takes effect without a restart.
        case file(String)

        public var description: String {
            switch self {
            case .none: "no key"
            case .fixed: "a key"
            case .file(let path): "the key in \(path)"
            }
        }

        public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
    }

    /// An absolute http or https URL, as it is.
    let url: String
    /// As the user gave them; secrets.
    let headers: [(name: String, value: String)]
    let key: Key

    public init(url: String, headers: [(name: String, value: String)] = [], key: Key = .none) {
        self.url = url
        self.headers = headers
        self.key = key
    }

    /// Without what is secret, also in a dump or a test's failure.
    public var customMirror: Mirror { Mirror(self, children: ["headers": headers.map { $0.name }, "key": key]) }

    /// Why no request can be made: a sentence that does not repeat what is secret.
    struct Refused: Error, Hashable {
        let reason: String
    }

    /// A request without its content. Reads the key's file.
    ///
    /// - Throws: `Refused`.
    func request(timeout: Duration, maxAnswerBytes: Int) throws(Refused) -> OutgoingRequest {
        OutgoingRequest(
            method: .post,
            url: url,
            headers: try fields(),
            timeout: timeout,
            maximumResponseBytes: maxAnswerBytes
        )
    }

    /// All fields of a request. Reads the key's file.
    func fields() throws(Refused) -> HTTPFields {
        var fields: HTTPFields = [.contentType: "application/x-protobuf", .contentEncoding: "gzip"]
        for header in headers {
            guard let name = HTTPField.Name(header.name), HTTPField.isValidValue(header.value) else {
                throw Refused(reason: "A header of OTEL_EXPORTER_OTLP_HEADERS cannot be sent: correct it.")
            }
            fields[name] = header.value
        }
        if let key = try secret() {
            guard !OutgoingRequest(url: url).isInTheClear else {
                throw Refused(reason: "The key is not sent unencrypted: CX_ENDPOINT must be https beyond this machine.")
            }
            fields[.authorization] = "Bearer \(key)"
        }
        return fields
    }

    private func secret() throws(Refused) -> String? {
        switch key {
        case .none: return nil
        case .fixed(let key): return try checked(key, "CX_TOKEN")
        case .file(let path):
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw Refused(reason: "CX_TOKEN_FILE names a file that cannot be read: correct it.")
            }
            return try checked(text, "The file of CX_TOKEN_FILE")
        }
    }

    /// Editors end a file with a line break, which is no part of the key; one within it would end the header.
    private func checked(_ text: String, _ origin: String) throws(Refused) -> String {
        let key = text.trimmingSpaces()
        guard !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Refused(reason: "\(origin) is not one key of visible characters: correct it.")
        }
        return key
    }
}
