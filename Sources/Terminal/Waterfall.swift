import Commerce
import ConsoleAPI
import ServiceTracing

/// `popshop traces show`: one trace as a tree with its spans to scale.
public struct Waterfall {
    private let tree: SpanTree
    private let style: TerminalStyle
    private let clock: LocalClock
    private let isVerbose: Bool
    private let layout: WaterfallLayout
    private let scale: TimeScale

    /// - Parameter isVerbose: With every statement and every event on a line of its own.
    public static func render(
        _ spans: [WaterfallSpan],
        style: TerminalStyle,
        isVerbose: Bool = false,
        clock: LocalClock = .system
    ) -> String {
        guard !spans.isEmpty else { return "No such trace here." }
        let waterfall = Waterfall(spans, style, isVerbose, clock)
        return waterfall.lines().joined(separator: "\n")
    }

    private init(_ spans: [WaterfallSpan], _ style: TerminalStyle, _ isVerbose: Bool, _ clock: LocalClock) {
        tree = SpanTree(spans)
        self.style = style
        self.isVerbose = isVerbose
        self.clock = clock
        layout = WaterfallLayout(tree, style)
        let start = spans.reduce(.max) { min($0, $1.start) }
        scale = TimeScale(start: start, end: spans.reduce(start) { max($0, $1.end) }, cells: layout.bar)
    }

    private func lines() -> [String] {
        var lines = header() + ["", axis()]
        var guides = Guides(style, depth: layout.depth)
        for row in tree.rows {
            guides.enter(row)
            switch row.node {
            case .span(let index): lines += self.lines(tree.spans[index], index, guides)
            case .missing(let id):
                lines.append(note("The parent span \(id) is not here: recorded elsewhere, or lost. Below it:"))
            case .circle: lines.append(note("These spans name each other as parents:"))
            }
        }
        for part in [links(), timeSpent(), legend()] where !part.isEmpty { lines += [""] + part }
        return lines
    }

    // MARK: Around the rows

    private func header() -> [String] {
        let spans = tree.spans
        let root = spans.first { $0.parentSpanID == nil } ?? spans[0]
        let failed = spans.reduce(0) { $0 + ($1.failed ? 1 : 0) }
        // What a presenter says first: what it was, how long it took, whether it went well.
        let facts: [(String, Ink)] = [
            (Units.duration(scale.duration, style), .bold),
            (Units.count(failed, "error", "errors"), failed > 0 ? .bad : .plain),
        ]
        let needed = facts.reduce(0) { $0 + Cells.width($1.0) + 3 }
        var title = Line(style)
        title.add(root.service, .service(root.service), limit: max(4, (style.width - needed) / 2))
        title.add(": ", .dim)
        title.add(root.name, .bold, limit: max(4, title.room - needed))
        for (text, ink) in facts {
            title.skip(3)
            title.add(text, ink)
        }
        return [title.text] + identity()
    }

    private func identity() -> [String] {
        let spans = tree.spans
        let time = CivilTime(clock.wall(scale.start))
        let fraction = String(scale.start % 1_000_000_000 / 1_000_000)
        var text = Paragraph(style, indent: 0)
        text.add("trace \(spans[0].traceID)", .dim)
        text.add("\(time.date) \(time.clock).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)", gap: 3)
        text.add(Units.count(spans.count, "span", "spans"), gap: 3)
        text.add(Units.count(Set(spans.map(\.service)).count, "service", "services"), gap: 3)
        return text.finished()
    }

    private func axis() -> String {
        var line = Line(style)
        line.skip(WaterfallLayout.marks)
        line.add("SERVICE", .dim, limit: layout.service)
        line.go(to: layout.nameColumn)
        line.add("SPAN", .dim, limit: layout.name)
        line.go(to: layout.barColumn)
        scale.axis(&line)
        return line.text
    }

    private func note(_ sentence: String) -> String {
        var line = Line(style)
        line.add("? ", .warning)
        line.add(sentence, .warning)
        return line.text
    }

    private func links() -> [String] {
        let all = tree.spans.flatMap { span in span.links.map { (span, $0) } }
        guard !all.isEmpty else { return [] }
        var title = Line(style)
        title.add("Links", .bold)
        return [title.text]
            + all.flatMap { span, link in
                var text = Paragraph(style, indent: 2)
                text.add("\(span.service): \(span.name)", .service(span.service))
                text.add(style.sign("→", "->") + " trace \(link.traceID)")
                text.add("span \(link.spanID)", .dim)
                return text.finished()
            }
    }

    /// The three that a presenter would name when asked why it took so long.
    private func timeSpent() -> [String] {
        let slow = tree.spans.indices.filter(isSlow).sorted { tree.ownTime($0) > tree.ownTime($1) }.prefix(3)
        guard !slow.isEmpty else { return [] }
        var title = Line(style)
        title.add("Where the time went", .bold)
        return [title.text]
            + slow.map { index in
                let (span, own) = (tree.spans[index], tree.ownTime(index))
                var line = Line(style)
                line.skip(2)
                line.add(Units.percent(own, of: scale.duration), .warning, rightIn: 5)
                line.skip(2)
                line.add(Units.duration(own, style), rightIn: WaterfallLayout.duration - 1)
                line.skip(2)
                line.add(span.service, .service(span.service), limit: 24)
                line.add(": ", .dim)
                line.add(span.name)
                return line.text
            }
    }

    private func legend() -> [String] {
        let spans = tree.spans
        var text = Paragraph(style, indent: 0)
        text.add(style.sign("▇", "#") + " own time", .dim)
        if tree.covered.contains(where: { !$0.isEmpty }) {
            text.add(style.sign("─", "-") + " time in the spans below", .dim, gap: 3)
        }
        if spans.contains(where: { !$0.events.isEmpty }) {
            text.add(style.sign("•", "*") + " event", .dim, gap: 3)
        }
        if spans.contains(where: \.failed) { text.add(style.sign("✗", "x") + " failed", .dim, gap: 3) }
        if spans.indices.contains(where: isSlow) {
            text.add("\(style.sign("◆", "!")) slow: own time \(style.sign("≥", ">=")) 25 % or 500 ms", .dim, gap: 3)
        }
        var lines = text.finished()
        if tree.skewed > 0 {
            let starts = tree.skewed == 1 ? "span starts" : "spans start"
            var skew = Paragraph(style, indent: 0)
            skew.add(
                words: "\(Units.count(tree.skewed)) \(starts) before its parent: the clocks of two machines differ.",
                .warning
            )
            lines += skew.finished()
        }
        return lines
    }

    // MARK: Rows

    private func isSlow(_ index: Int) -> Bool {
        let own = tree.ownTime(index)
        return own > 0 && (own >= 500_000_000 || own >= scale.duration / 4 + (scale.duration % 4 > 0 ? 1 : 0))
    }

    private func lines(_ span: WaterfallSpan, _ index: Int, _ guides: Guides) -> [String] {
        let slow = isSlow(index)
        let ink: Ink = span.failed ? .bad : .service(span.service)
        var line = Line(style)
        line.add(span.failed ? style.sign("✗", "x") : " ", .bad)
        line.add(slow ? style.sign("◆", "!") : " ", .warning)
        line.go(to: WaterfallLayout.marks)
        line.add(span.service, .service(span.service), limit: layout.service)
        line.go(to: layout.nameColumn)
        line.add(guides.branch, .dim, limit: layout.name)
        line.add(span.name, span.failed ? .bad : .plain, limit: layout.barColumn - 1 - line.cells)
        let bar = scale.bar(span, covered: tree.covered[index], style)
        line.go(to: layout.barColumn + bar.at)
        line.add(bar.signs, ink)
        line.go(to: layout.barColumn + layout.bar)
        line.add(Units.duration(span.duration, style), slow ? .warning : .plain, rightIn: WaterfallLayout.duration)
        return [line.text] + details(span, guides)
    }

    private func details(_ span: WaterfallSpan, _ guides: Guides) -> [String] {
        var lines: [String] = []
        if span.failed { lines += failure(span.failure, guides) }
        if let statement = span.statement, isVerbose || style.width >= WaterfallLayout.roomy {
            lines.append(detail("", statement, .dim, guides))
        }
        guard isVerbose else { return lines }
        for event in span.events {
            let offset = event.time >= span.start ? event.time - span.start : span.start - event.time
            let time = (event.time >= span.start ? "+" : "-") + Units.duration(offset, style)
            let words = event.details.isEmpty ? event.name : "\(event.name)  \(event.details)"
            lines.append(detail(style.sign("• ", "* "), "\(time)  \(words)", .dim, guides))
        }
        return lines
    }

    /// Not cut as soon as the rest is, since it is what one looks for: up to three lines, parted between words.
    private func failure(_ text: String, _ guides: Guides) -> [String] {
        let room = max(8, style.width - layout.nameColumn - Cells.width(guides.trunk) - 2)
        var parts: [String] = []
        for word in text.split(whereSeparator: { $0 == " " || $0.isNewline }) {
            let longer = (parts.last ?? "") + " " + word
            let width = Cells.width(Cells.escape(longer, unicode: style.unicode))
            if parts.isEmpty || (width > room && parts.count < 3) {
                parts.append(String(word))
            } else if width <= 4 * room {
                parts[parts.count - 1] = longer
            }
        }
        return parts.enumerated().map { place, part in
            detail(place == 0 ? style.sign("✗ ", "x ") : "  ", part, .bad, guides)
        }
    }

    private func detail(_ mark: String, _ text: String, _ ink: Ink, _ guides: Guides) -> String {
        var line = Line(style)
        line.go(to: layout.nameColumn)
        line.add(guides.trunk, .dim, limit: layout.name)
        line.add(mark, ink)
        line.add(text, ink)
        return line.text
    }
}
