import HTTPClient
import HTTPTypes
import Testing

@testable import Sync

/// Where the key goes, and where it does not.
struct KeyTests {
    private static let key = "cxtp_not-for-others"

    private func authorization(_ url: String, headers: [(name: String, value: String)] = []) throws -> String? {
        let upstream = SpanUpstream(url: url, headers: headers, key: headers.isEmpty ? .fixed(Self.key) : .none)
        return try upstream.request(timeout: .seconds(1), maxAnswerBytes: 1).headers[.authorization]
    }

    @Test(arguments: [
        "https://ingress.eu2.coralogix.com:443/v1/traces", "http://127.0.0.1:4318/v1/traces", "http://[::1]:4318/",
        "http://localhost:1/", "HTTPS://ingress.example/", "http://127.9.8.7/",
    ])
    func `over TLS, and to this machine`(url: String) throws {
        #expect(try authorization(url) == "Bearer \(Self.key)")
    }

    @Test(arguments: [
        "http://ingress.eu2.coralogix.com/v1/traces", "HTTP://ingress.example:443/", "http://127.0.0.1.example/",
        "http://127.0.0.1@ingress.example/", "http://192.168.0.7:4318/", "http://[::2]/", "http://[::ffff:8.8.8.8]/",
    ])
    func `never in the clear to another, and the refusal does not repeat it`(url: String) throws {
        do {
            _ = try authorization(url)
            Issue.record("it was sent")
        } catch let refused as SpanUpstream.Refused {
            #expect(refused.reason.contains("https") && !refused.reason.contains(Self.key))
        }
    }

    @Test func `headers that somebody has given for an endpoint are theirs to protect`() throws {
        let headers = [(name: "Authorization", value: "Basic abc")]
        #expect(try authorization("http://console:4318/v1/traces", headers: headers) == "Basic abc")
    }

    @Test func `what has a key in it describes itself without it`() {
        let upstream = SpanUpstream(
            url: "https://user:\(Self.key)@ingress.example/",
            headers: [("api-key", Self.key)],
            key: .fixed(Self.key)
        )
        var dumped = ""
        dump(upstream, to: &dumped)
        for text in [dumped, "\(upstream)", String(reflecting: upstream), "\(upstream.key)", "\([upstream.key])"] {
            #expect(!text.contains(Self.key), "\(text.count) characters with the key in them")
        }
    }
}
