/// A mistake in a scenario, by the line and the field where it is.
public struct ScenarioError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    /// Such as `phases[2].rpm.to`; nil where the text is no JSON at all.
    public let field: String?
    public let problem: String

    public init(line: Int, field: String?, problem: String) {
        self.line = line
        self.field = field
        self.problem = problem
    }

    /// One sentence: `Line 12, phases[2].rpm.to: it must be a number from 0 to 60000.`
    public var description: String {
        let place = field.map { ", \($0)" } ?? ""
        return "Line \(line)\(place): \(problem)."
    }
}
