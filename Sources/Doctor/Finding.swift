/// What a check found: one line for a presenter, a minute before the show.
public struct Finding: Hashable, Sendable {
    /// Whether the show can go on.
    public enum Verdict: String, Hashable, Sendable {
        case good = "ok"
        /// Worth knowing; the show can go on.
        case note
        /// The show cannot go on.
        case bad = "FAIL"
    }

    public let verdict: Verdict
    /// What was looked at: `ports`, `disk`…
    public let check: String
    /// One sentence; a bad one says what to do.
    public let sentence: String

    public init(_ verdict: Verdict, _ check: String, _ sentence: String) {
        self.verdict = verdict
        self.check = check
        self.sentence = sentence
    }

    /// Aligned for reading one under the other.
    public var line: String {
        verdict.rawValue.padded(to: 6) + check.padded(to: 18) + sentence
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
