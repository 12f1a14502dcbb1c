import Assets
import FoundationEssentials
import Gzip
import HTTPClient
import HTTPTypes
import Testing

@Suite("The pages")
struct PageTests {
    private static let pages = [
        "/", "/traces", "/traces/00000000000000010000000000000001", "/map", "/control", "/sync",
    ]
    private static let files = Asset.under("Sources/Console/Web")

    @Test("Each page can load what its own origin serves and nothing else", arguments: pages)
    func policy(path: String) async throws {
        try await Bench.run { bench in
            let answer = try await bench.get(path)
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            let policy = try #require(answer.headers[.contentSecurityPolicy])
            #expect(policy.hasPrefix("default-src 'none'; "))
            #expect(policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("data:"))
            #expect(answer.text.contains("<html lang=\"en\">") && answer.text.contains("<main id=\"main\""))
        }
    }

    @Test("Nothing is named that this origin does not serve")
    func links() async throws {
        try await Bench.run { bench in
            for file in Self.files where file.path.hasSuffix(".html") {
                for name in file.text.matches(of: /(?:src|href)="(\/assets\/[^"#]+)/).map(\.output.1) {
                    let answer = try await bench.get(String(name))
                    #expect(answer.status == 200, "\(file.path) names \(name)")
                }
            }
            for file in Self.files where file.path.hasSuffix(".js") {
                for name in file.text.matches(of: /from "\.\/([^"]+)"/).map(\.output.1) {
                    let answer = try await bench.get("/assets/\(name)")
                    #expect(answer.status == 200, "\(file.path) names \(name)")
                }
            }
        }
    }

    @Test("No file names another host, and no page has a script or a style of its own", arguments: files.map(\.path))
    func selfContained(path: String) throws {
        let text = try #require(Asset.at(path)).text.replacing("http://www.w3.org/", with: "")
        #expect(!text.contains("http://") && !text.contains("https://") && !text.contains("@import"))
        if path.hasSuffix(".html") {
            #expect(!text.contains("<style") && !text.contains(" style=") && !text.contains("javascript:"))
            #expect(text.matches(of: /<script(?![^>]*src=)/).isEmpty && text.matches(of: /\son[a-z]+=/).isEmpty)
        }
    }

    @Test("All pages together are under 90 kB, packed")
    func size() throws {
        let bytes = Self.files.reduce(0) { $0 + (Gzip.compress($1.bytes, level: 9)?.count ?? .max / 100) }
        #expect(bytes < 90_000)
    }

    @Test("A file comes packed to who takes it so, and not at all to who has it")
    func caching() async throws {
        try await Bench.run { bench in
            let path = "/assets/core.js"
            let plain = try await bench.get(path)
            let tag = try #require(plain.headers[.eTag])
            #expect(plain.headers[.contentEncoding] == nil && plain.headers[.vary] == "Accept-Encoding")
            #expect(plain.headers[.cacheControl] == "no-cache")
            let known = try await bench.get(path, [.ifNoneMatch: "\"other\", \(tag)"])
            #expect(known.status == 304 && known.text.isEmpty && known.headers[.eTag] == tag)
            #expect(try await bench.get(path, [.ifNoneMatch: "W/\"other\""]).status == 200)
            let packed = try await bench.raw(.get, path, [.acceptEncoding: "br, gzip;q=0.8"])
            #expect(packed.headers[.contentEncoding] == "gzip")
            #expect(String(decoding: try Gzip.decompress(packed.body, upTo: 1 << 20), as: UTF8.self) == plain.text)
            #expect(try await bench.raw(.get, path, [.acceptEncoding: "gzip;q=0"]).headers[.contentEncoding] == nil)
            let head = try await bench.send(.head, path)
            #expect(
                head.status == 200 && head.text.isEmpty && head.headers[.contentLength] == "\(plain.text.utf8.count)"
            )
        }
    }

    @Test("What is no page is a 404, and nothing outside the folder is served")
    func missing() async throws {
        try await Bench.run { bench in
            for path in ["/assets/none.js", "/assets/../Package.swift", "/assets/%2e%2e/x", "/nothing"] {
                let answer = try await bench.get(path)
                #expect(answer.status == 404)
            }
            let posted = try await bench.post("/control")
            #expect(posted.status == 405)
        }
    }
}
