import ChildProcess
import Foundation
import HTTPClient
import HTTPTypes
import Shop
import ShopAPI
import Testing

/// What the real binary tells about its secrets, and who may read what it writes.
@Suite(.timeLimit(.minutes(15)))
struct SecretTests {
    /// Made anew in each run: nothing that looks like a key stands in the sources.
    private static let words = (0..<3).map { _ in UUID().uuidString }
    private static let secrets = [
        "CX_TOKEN": words[0], "POPSHOP_ADMIN_TOKEN": words[1],
        "SYNC_DATABASE_URL": "postgresql://shop:\(words[2])@127.0.0.1:1/shop",
    ]

    @Test("No log, answer, span, file or argument has a secret in it, and nobody else may read the files")
    func secrets() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-secrets-\(UUID())")
        defer { try? FileManager.default.removeItem(at: directory) }
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("OTEL_") }
        environment.merge(Self.secrets) { $1 }
        // Nobody listens there: both lanes fail, and say so.
        environment.merge(["CX_ENDPOINT": "http://127.0.0.1:1", "LOG_LEVEL": "trace"]) { $1 }
        let shop = try ShopProcess(
            dataDirectory: directory.path,
            portOffset: KillTests.freeOffset(),
            environment: environment
        )
        let process = shop.process
        async let said = process.restOfOutput()
        let client = try CurlClient()
        var answers: [String] = []
        let right = "Bearer \(Self.secrets["POPSHOP_ADMIN_TOKEN"] ?? "")"
        for (service, method, path, authorization) in [
            (ServiceName.checkout, HTTPRequest.Method.post, "/orders/create", nil),
            (.console, .post, "/api/sync", right), (.console, .post, "/api/sync", "Bearer wrong"),
            (.productCatalog, .post, "/demo/reset", right), (.productCatalog, .post, "/demo/reset", "Basic \(right)"),
            (.console, .get, "/api/status", nil), (.console, .get, "/api/faults", nil), (.console, .get, "/stats", nil),
            (.console, .get, "/health", nil), (.checkout, .get, "/stats", nil), (.console, .get, "/api/traces", nil),
            (.console, .get, "/api/pushes", nil), (.loadGenerator, .get, "/admin/stats", nil),
        ] as [(ServiceName, HTTPRequest.Method, String, String?)] {
            var request = OutgoingRequest(method: method, url: shop.options.localURL(of: service) + path)
            if method == .post { request.body = Array(#"{"user_id":"u","product_id":1}"#.utf8) }
            if let authorization { request.headers[.authorization] = authorization }
            let answer = try await client.send(request)
            answers.append("\(answer.status) \(answer.headers) \(String(decoding: answer.body, as: UTF8.self))")
        }
        await client.shutDown()
        let arguments = try String(contentsOf: URL(filePath: "/proc/\(process.number)/cmdline"), encoding: .utf8)
        #expect(shop.stop().code == 0)
        let log = await said
        #expect(!log.isEmpty, "there is something to be looked at")

        let found = Self.words.filter { word in ([arguments, log] + answers).contains { $0.contains(word) } }
        #expect(found.isEmpty)
        let files = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
        #expect(files.contains("shop.sqlite") && files.contains { $0.hasSuffix("ledger.sqlite") })
        for name in files + [""] {
            let path = directory.path + "/" + name
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
            #expect(mode & 0o077 == 0, "\(name) is \(String(mode, radix: 8))")
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            let data = try Data(contentsOf: URL(filePath: path))
            for word in Self.words {
                #expect(data.firstRange(of: Data(word.utf8)) == nil, "\(name) has a secret in it")
            }
        }
    }
}
