/// What one protocol asks of every engine, as cases that each get a subject of their own.
///
/// An engine's test is set-up and one call of `run`. What an engine cannot do is named in `skipping`: a gap is opted
/// out of, never in to. Nothing here imports a test framework, so that an engine can also be asked by a tool.
public struct ConformanceSuite<Subject: Sendable>: Sendable {
    /// One behaviour, stated in its name.
    public struct Case: Sendable {
        public let name: String
        let body: @Sendable (Subject) async throws -> Void
    }

    public let cases: [Case]

    init(_ cases: [Case]) {
        self.cases = cases
    }

    /// Runs every case but the skipped ones, each on a fresh subject.
    ///
    /// - Parameters:
    ///   - skipped: Names of cases; one that there is not is itself a failure, so that no opt-out outlives its case.
    ///   - make: Sets up an engine with the seed data and nothing else in it.
    /// - Returns: What did not hold; empty for an engine that conforms.
    public func run(
        skipping skipped: Set<String> = [],
        _ make: @Sendable (_ caseName: String) async throws -> Subject
    ) async -> [ConformanceFailure] {
        var failures = skipped.subtracting(cases.map(\.name)).sorted().map {
            ConformanceFailure(caseName: $0, problem: "is skipped, but there is no such case")
        }
        for conformance in cases where !skipped.contains(conformance.name) {
            do {
                try await conformance.body(make(conformance.name))
            } catch let unmet as Unmet {
                failures.append(ConformanceFailure(caseName: conformance.name, problem: unmet.description))
            } catch {
                failures.append(ConformanceFailure(caseName: conformance.name, problem: "threw \(error)"))
            }
        }
        return failures
    }
}

/// A behaviour that an engine does not have.
public struct ConformanceFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public let caseName: String
    public let problem: String

    public var description: String { "\(caseName): \(problem)" }
}

/// Ends a case.
struct Unmet: Error, CustomStringConvertible {
    let description: String
}

/// - Throws: `Unmet` when the two differ.
func expectEqual<Value: Equatable>(
    _ found: Value,
    _ wanted: Value,
    _ what: String,
    line: UInt = #line
) throws {
    guard found == wanted else { throw Unmet(description: "\(what) is \(found), not \(wanted) (line \(line))") }
}

/// - Throws: `Unmet` when it is false.
func expect(_ holds: Bool, _ what: String, line: UInt = #line) throws {
    guard holds else { throw Unmet(description: "\(what) does not hold (line \(line))") }
}

/// - Throws: `Unmet` when there is none.
func some<Value>(_ value: Value?, _ what: String, line: UInt = #line) throws -> Value {
    guard let value else { throw Unmet(description: "there is no \(what) (line \(line))") }
    return value
}

/// - Throws: `Unmet` when the body throws something else, or nothing.
func expectThrown<Failure: Error & Equatable>(
    _ wanted: Failure,
    line: UInt = #line,
    _ body: () async throws -> some Any
) async throws {
    do {
        let result = try await body()
        throw Unmet(description: "\(result) came instead of \(wanted) (line \(line))")
    } catch let error as Failure {
        try expectEqual(error, wanted, "the error", line: line)
    }
}
