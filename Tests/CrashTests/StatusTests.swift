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
}
