import Foundation

/// A parser, what it is fed with, and what must hold whatever it is fed. That it returns at all is half of it.
struct FuzzTarget: Sendable {
    /// What did not hold.
    struct Finding: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    /// Where mutation begins, beside the files of `Corpus/<name>`.
    let seeds: [String]
    /// What its grammar is made of.
    let tokens: [String]
    /// - Throws: `Finding`, and whatever a parser throws that should not.
    let run: @Sendable (_ input: [UInt8]) throws -> Void

    /// - Throws: `Finding`.
    static func check(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        guard holds else { throw Finding(description: what()) }
    }

    static let all: [FuzzTarget] = telemetry + requests + files

    /// The target's own seeds, and the files of `Corpus/<name>`, which are what was found before.
    func corpus() throws -> [[UInt8]] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = tests.appending(path: "Corpus/\(name)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let files = try names.sorted().map { Array(try Data(contentsOf: folder.appending(path: $0))) }
        return seeds.map { Array($0.utf8) } + files
    }
}
