import FoundationEssentials
import Logging
import Shop
import ShopAPI
import Testing

@Suite struct DataDirectoryTests {
    @Test func `a second owner is refused with the first one's pid, and let in when the first has gone`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/popshop-lock-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try hold(path) {
            #expect(DataDirectory.owner(path)?.pid == ProcessInfo.processInfo.processIdentifier)
            #expect(DataDirectory.owner(path)?.console == "http://127.0.0.1:8000")
            let refusal = #expect(throws: Refusal.self) { _ = try DataDirectory(path: path) }
            #expect(refusal?.code == .temporary)
            #expect(refusal?.sentence.contains("\(ProcessInfo.processInfo.processIdentifier)") == true)
        }
        #expect(DataDirectory.owner(path) == nil)
        _ = try DataDirectory(path: path)
    }

    @Test func `what an owner that was killed has left in the lock file is not told of the next one`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/popshop-stale-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try DataDirectory(path: path)
        let stale = Data(#"{"pid":4194304,"console":"http://127.0.0.1:1"}"#.utf8)
        try stale.write(to: URL(filePath: path + "/popshop.lock"))
        let directory = try DataDirectory(path: path)
        withExtendedLifetime(directory) {
            #expect(DataDirectory.owner(path)?.pid == ProcessInfo.processInfo.processIdentifier)
            #expect(DataDirectory.owner(path)?.console == nil)
        }
    }

    @Test func `a directory that cannot be made is one sentence`() {
        let refusal = #expect(throws: Refusal.self) { _ = try DataDirectory(path: "/proc/popshop") }
        #expect(refusal?.code == .cannotCreate)
    }

    @Test func `a database that is none is named and left as it is`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/popshop-garbage-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let directory = try DataDirectory(path: path)
        let garbage = Data(repeating: 0x5a, count: 8192)
        try garbage.write(to: URL(filePath: Shop.databasePath(path)))
        let refusal = #expect(throws: Refusal.self) {
            _ = try Shop(
                settings: Settings(environment: [:]),
                options: ShopOptions(services: [.currency], portOffset: 21_000),
                directory: directory,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        }
        #expect(refusal?.code == .dataError)
        #expect(try Data(contentsOf: URL(filePath: Shop.databasePath(path))) == garbage)
    }

    private func hold(_ path: String, _ body: () throws -> Void) throws {
        let directory = try DataDirectory(path: path)
        directory.announce(console: "http://127.0.0.1:8000")
        try withExtendedLifetime(directory) { try body() }
    }
}
