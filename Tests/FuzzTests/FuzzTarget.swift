import Testing

/// A parser, what it is fed with, and what must hold whatever it is fed. That it returns at all is half of it.
struct FuzzTarget: Sendable {
    /// What did not hold.
    struct Finding: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    /// Where mutation begins, beside the files of `Corpus/<name>`.
    let seeds: [String]
    let tokens: [String]
    let run: @Sendable (_ input: [UInt8]) throws -> Void

    /// - Throws: `Finding`.
    static func check(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        guard holds else { throw Finding(description: what()) }
    }

    static let all: [FuzzTarget] = telemetry + requests + files
}

extension FuzzTarget: CustomTestStringConvertible {
    var testDescription: String { name }
}
