import Foundation

/// The figures for people.
enum Table {
    static let header = line(["figure", "median", "unit", "min", "max", "n", "goal", "", "limit", "of limit"])

    static func row(_ figure: Figure) -> String {
        line([
            figure.name, number(figure.median), figure.unit, number(figure.min), number(figure.max),
            "\(figure.repeats)",
            figure.goal.map { (figure.better == .lower ? "< " : "≥ ") + number($0.value) } ?? "–",
            figure.goal.map { "\($0.isMet ? "met" : "missed") ×\(ratio($0.ratio))" } ?? "",
            figure.limit.map { number($0.value) } ?? "–",
            figure.limit.map { "×\(ratio($0.ratio))" } ?? "",
        ])
    }

    static let comparisonHeader = line(["figure", "before", "unit", "after", "", "n", "after/before", "", "", ""])

    /// - Parameters:
    ///   - figure: Its name, unit and which way is good.
    ///   - before: The medians of each turn.
    static func comparison(_ figure: Figure, _ before: [Double], _ after: [Double]) -> String {
        let change = after.median / before.median
        let isBetter = figure.better == .lower ? change < 1 : change > 1
        return line([
            figure.name, number(before.median), figure.unit, number(after.median), "", "\(after.count)",
            "×\(ratio(change))", isBetter ? "better" : "worse", "", "",
        ])
    }

    /// What the columns have no room for.
    static func footer(_ figures: [Figure]) -> String {
        var lines: [String] = [""]
        for figure in figures {
            if let limit = figure.limit { lines.append("\(figure.name): the limit is \(limit.name), in the same run") }
            if let elsewhere = figure.elsewhere {
                lines.append(
                    "\(figure.name): ×\(ratio(elsewhere.ratio)) of \(elsewhere.name)'s \(number(elsewhere.value)), "
                        + "measured on another, similar machine"
                )
            }
        }
        return lines.joined(separator: "\n")
    }

    private static let widths = [26, 10, 12, 10, 10, 4, 10, 14, 10, 8]

    private static func line(_ cells: [String]) -> String {
        zip(cells, widths).enumerated().map { index, cell in
            let padding = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            return [0, 2, 7].contains(index) ? cell.0 + padding : padding + cell.0
        }.joined(separator: "  ")
    }

    private static func number(_ value: Double) -> String {
        String(format: value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
    }
    private static func ratio(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// The figures for programs.
struct Report: Codable {
    /// ISO 8601.
    let time: String
    let processors: Int
    /// The load average of the last minute, when all was done: above one or two, others were at work too.
    let load: Double
    let figures: [Figure]

    init(_ figures: [Figure]) {
        var load = 0.0
        getloadavg(&load, 1)
        self.load = load
        self.figures = figures
        time = Date().ISO8601Format()
        processors = ProcessInfo.processInfo.activeProcessorCount
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: URL(fileURLWithPath: path))
    }
}
