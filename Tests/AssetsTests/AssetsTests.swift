import Assets
import Foundation
import Testing

struct AssetsTests {
    private static let folders = ["schema", "fixtures", "Sources/Console/Web"]

    @Test(
        "Every file of schema/, fixtures/ and the pages is compiled in with the bytes it has",
        arguments: try filesOnDisk()
    )
    func compiledIn(path: String) throws {
        let asset = try #require(Asset.at(path), "\(path) is missing in cassets.c")
        #expect(asset.bytes == Array(try Data(contentsOf: Self.top.appending(path: path))))
    }

    @Test("Nothing is compiled in that is not there, and nothing twice")
    func nothingElse() throws {
        let compiled = Asset.all.map(\.path).filter { path in Self.folders.contains { path.hasPrefix($0 + "/") } }
        #expect(compiled == (try Self.filesOnDisk()).sorted())
    }

    @Test("A folder's files come by path, and only its own")
    func folders() {
        #expect(Asset.under("schema/sqlite/shop").map(\.path).first == "schema/sqlite/shop/001_shop.sql")
        #expect(Asset.under("schema/sqlite/shop").map(\.path) == Asset.under("schema/sqlite/shop/").map(\.path))
        #expect(Asset.under("schema/sqlite/sh").isEmpty)
        #expect(Asset.at("schema/sqlite/shop") == nil)
        #expect(Asset.at("../Package.swift") == nil)
    }

    private static let top = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func filesOnDisk() throws -> [String] {
        try folders.flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: top.appending(path: folder).path)
                .map { "\(folder)/\($0)" }
                .filter { path in
                    var isDirectory: ObjCBool = false
                    let file = top.appending(path: path).path
                    return FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory)
                        && !isDirectory.boolValue
                }
        }
    }
}
