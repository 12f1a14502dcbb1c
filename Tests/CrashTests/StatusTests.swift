import ChildProcess
import Foundation
import Shop
import Testing

@Suite struct StatusTests {
    @Test(arguments: ["shop.sqlite", "telemetry/ledger.sqlite"])
    func `a file that is no database is one sentence and exit 65, and is left as it is`(name: String) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-status-\(UUID())")
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let garbage = Data(repeating: 0x5a, count: 8192)
        try garbage.write(to: file)

        let (code, said) = try ChildProcess.run(ShopProcess.binary.path(), ["status", "--data-dir", directory.path()])
        #expect(code == Refusal.Code.dataError.rawValue)
        #expect(said.split(separator: "\n").count == 1)
        #expect(said.hasPrefix("popshop: "))
        #expect(!said.contains("SELECT"))
        #expect(try Data(contentsOf: file) == garbage)
    }

    @Test(arguments: [
        (["status"], Refusal.Code.dataError), (["traces", "list"], .dataError),
        (["traces", "export", "-"], .dataError), (["traces", "show", "3f9a"], .dataError),
        (["sync", "--once"], .configuration),
    ])
    func `a directory that is not there is named, and not made`(command: [String], code: Refusal.Code) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "popshop-mistyped-\(UUID())").path()
        let (status, said) = try ChildProcess.run(
            ShopProcess.binary.path(),
            command + ["--data-dir", directory],
            environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"]
        )
        #expect(status == code.rawValue)
        #expect(said == "popshop: There is no data directory \(directory); name another with --data-dir.\n")
        #expect(!FileManager.default.fileExists(atPath: directory))
    }

    @Test func `a word that is no command is told with those that are`() throws {
        let (code, said) = try ChildProcess.run(ShopProcess.binary.path(), ["dmeo"])
        #expect(code == Refusal.Code.usage.rawValue)
        #expect(said.hasPrefix("popshop: There is no command dmeo; there are demo, serve, sync, "), "\(said)")
    }
}
