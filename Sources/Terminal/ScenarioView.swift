public import ShopAPI

/// A scenario as it is played: a bar of its phases, what happens now, and what the presenter can point at.
public struct ScenarioView: Sendable {
    private let scenario: ScenarioSummary
    private let style: TerminalStyle

    public init(_ scenario: ScenarioSummary, style: TerminalStyle) {
        self.scenario = scenario
        self.style = style
    }

    /// For a terminal, to be drawn over the last one: none is wider than the terminal.
    public func lines(_ status: ScenarioStatus) -> [String] {
        [heading(status), phases(status), bar(status)] + figures(status) + sentence(status)
    }

    /// For a log.
    public func line(_ status: ScenarioStatus) -> String {
        let minutes = "\(Self.clock(status.elapsed_seconds)) \(state(status))"
        return "\(minutes)  " + pieces(status).map(\.text).joined(separator: ", ")
    }

    /// The last line: what was played, and what came of it.
    public func account(_ status: ScenarioStatus) -> String {
        let isWhole = status.elapsed_seconds >= status.duration_seconds
        let how = isWhole ? "is over after" : "was stopped after"
        let checkouts = Units.count(status.checkouts_attempted, "checkout", "checkouts")
        return "\(scenario.title) \(how) \(Self.clock(status.elapsed_seconds)): "
            + "\(Units.count(status.requests_sent, "journey", "journeys")), \(errors(status)), "
            + "\(checkouts) of which \(failures(status)), "
            + "\(Units.count(status.late)) late, \(Units.count(status.shed)) left out. "
            + "Seed \(status.seed ?? 0), journeys \(status.journey_hash ?? "none")."
    }

    private func heading(_ status: ScenarioStatus) -> String {
        var line = Line(style)
        line.add(scenario.title, .bold)
        line.skip(2)
        line.add(state(status), status.paused ? .warning : .plain)
        let time = "\(Self.clock(status.elapsed_seconds)) of \(Self.clock(status.duration_seconds))"
        line.add("  " + time, .dim, rightIn: max(0, width - line.cells))
        return line.text
    }

    /// A name stands above the beginning of its phase.
    private func phases(_ status: ScenarioStatus) -> String {
        var line = Line(style)
        for phase in scenario.phases {
            let (from, to) = cells(of: phase)
            line.go(to: from)
            line.add(phase.name, phase.name == status.phase ? .bold : .dim, limit: max(0, to - from - 1))
        }
        return line.text
    }

    private func bar(_ status: ScenarioStatus) -> String {
        let share = status.duration_seconds > 0 ? status.elapsed_seconds / status.duration_seconds : 0
        let done = Int((Double(width) * min(1, max(0, share))).rounded())
        var line = Line(style)
        for phase in scenario.phases {
            let (from, to) = cells(of: phase)
            // A blank cell parts it from the next one.
            let end = max(from, to - 1)
            let full = min(max(done, from), end) - from
            line.go(to: from)
            line.add(repeated("█", "#", full), phase.name == status.phase ? .warning : .good)
            line.add(repeated("░", ".", end - from - full), .dim)
        }
        return line.text
    }

    private func figures(_ status: ScenarioStatus) -> [String] {
        var text = Paragraph(style, indent: 0)
        for piece in pieces(status) { text.add(piece.text, piece.ink, gap: 3) }
        return text.finished()
    }

    private func sentence(_ status: ScenarioStatus) -> [String] {
        var text = Paragraph(style, indent: 0)
        if let error = status.last_error {
            text.add(words: error, .bad)
        } else if let point = status.talking_point {
            text.add(style.sign("→", "->"))
            text.add(words: point)
        }
        return text.finished()
    }

    private func pieces(_ status: ScenarioStatus) -> [(text: String, ink: Ink)] {
        let p95 = status.p95_ms.map { Units.duration(UInt64(max(0, $0 * 1e6)), style) } ?? "-"
        var pieces: [(text: String, ink: Ink)] = [
            ("\(Units.count(Int(status.current_rpm.rounded()))) rpm", .plain),
            ("p95 \(p95)", .plain),
            ("\(Units.count(status.requests_sent)) sent", .plain),
            (errors(status), status.errors > 0 ? .bad : .good),
            (
                "\(Units.count(status.checkouts_attempted, "checkout", "checkouts")), \(failures(status))",
                status.checkouts_failed > 0 ? .bad : .plain
            ),
            ("\(Units.count(status.in_flight)) under way", .plain),
            ("\(Units.count(status.late)) late", status.late > 0 ? .warning : .dim),
        ]
        if status.shed > 0 { pieces.append(("\(Units.count(status.shed)) left out", .warning)) }
        return pieces
    }

    private func state(_ status: ScenarioStatus) -> String {
        guard let phase = status.phase else { return "over" }
        return status.paused ? "\(phase), paused" : phase
    }

    private func errors(_ status: ScenarioStatus) -> String { Units.count(status.errors, "error", "errors") }

    private func failures(_ status: ScenarioStatus) -> String {
        let (failed, all) = (max(0, status.checkouts_failed), max(0, status.checkouts_attempted))
        let share = failed > 0 ? " (\(Units.percent(UInt64(failed), of: UInt64(all))))" : ""
        return "\(Units.count(failed)) failed\(share)"
    }

    /// No wider than can be taken in at a glance.
    private var width: Int { min(style.width, 100) }

    private func cells(of phase: ScenarioSummary.Phase) -> (from: Int, to: Int) {
        func cell(_ share: Double) -> Int { Int((min(1, max(0, share)) * Double(width)).rounded()) }
        return (cell(phase.from), cell(phase.to))
    }

    private func repeated(_ unicode: String, _ ascii: String, _ count: Int) -> String {
        String(repeating: style.sign(unicode, ascii), count: max(0, count))
    }

    /// `1:05`, and from an hour on `1:00:05`.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(max(0, min(seconds, 1e9)))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = whole / 60 % 60
        return whole < 3600
            ? "\(minutes):\(two(whole % 60))" : "\(whole / 3600):\(two(minutes)):\(two(whole % 60))"
    }
}

/// `popshop scenario list`.
public enum ScenarioTable {
    /// Each scenario with its phases and what they show.
    public static func render(_ scenarios: [ScenarioSummary], style: TerminalStyle) -> String {
        scenarios.map { scenario($0, style) }.joined(separator: "\n\n")
    }

    private static func scenario(_ scenario: ScenarioSummary, _ style: TerminalStyle) -> String {
        var heading = Line(style)
        heading.add(scenario.name, .bold)
        heading.add("  \(scenario.title), \(ScenarioView.clock(scenario.duration_minutes * 60)) as written")
        heading.add(", up to \(Units.count(Int(scenario.peak_rpm.rounded()))) rpm")
        var lines = [heading.text] + paragraph(scenario.description, style, indent: 2)
        for phase in scenario.phases {
            var line = Line(style)
            line.skip(2)
            let from = ScenarioView.clock((phase.from * scenario.duration_minutes * 60).rounded())
            let to = ScenarioView.clock((phase.to * scenario.duration_minutes * 60).rounded())
            line.add(phase.name, .bold)
            line.add("  \(from) to \(to)", .dim)
            lines += [line.text] + paragraph(phase.talking_point, style, indent: 4)
        }
        return lines.joined(separator: "\n")
    }

    private static func paragraph(_ sentence: String, _ style: TerminalStyle, indent: Int) -> [String] {
        var text = Paragraph(style, indent: indent)
        text.add(words: sentence)
        return text.finished()
    }
}
