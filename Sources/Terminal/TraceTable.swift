import Commerce
import ConsoleAPI
import ServiceTracing
public import TelemetryBuffer

/// `popshop traces list`.
public enum TraceTable {
    /// A row a trace, newest first as they are given. A line with the date stands above the first trace of a day,
    /// unless the day is today.
    ///
    /// - Parameters:
    ///   - now: Nanoseconds since 1970, UTC.
    ///   - isFiltered: Whether there may be others that were not asked for.
    public static func render(
        _ traces: [TraceSummary],
        now: UInt64,
        style: TerminalStyle,
        isFiltered: Bool = false,
        clock: LocalClock = .system
    ) -> String {
        guard !traces.isEmpty else { return isFiltered ? "No trace fits." : empty(style) }
        let columns = Columns(traces, style)
        var lines = [columns.header()]
        var day = CivilTime(clock.wall(now)).date
        for trace in traces {
            let time = CivilTime(clock.wall(trace.startTime))
            if time.date != day {
                var line = Line(style)
                line.add(time.date, .dim)
                lines.append(line.text)
                day = time.date
            }
            lines.append(columns.row(trace, time))
        }
        lines.append("")
        lines += hint(traces[0], style)
        return lines.joined(separator: "\n")
    }

    private static func empty(_ style: TerminalStyle) -> String {
        var text = Paragraph(style, indent: 0)
        text.add(words: "No traces yet.")
        text.add(words: "Start the shop with `popshop demo`: its own traffic makes the first trace within seconds.")
        return text.finished().joined(separator: "\n")
    }

    private static func hint(_ newest: TraceSummary, _ style: TerminalStyle) -> [String] {
        var text = Paragraph(style, indent: 0)
        text.add(words: "See one with", .dim)
        text.add("popshop traces show \(newest.traceID.description.prefix(16))")
        return text.finished()
    }
}

/// Where the columns are. The root has what the others leave.
private struct Columns {
    private static let id = 16
    private static let time = 8
    private let style: TerminalStyle
    private let duration: Int
    private let spans: Int
    private let services: Int
    private let root: Int
    private let gap: Int
    /// Where the root begins, after the mark, the time and the id.
    private static let root = 2 + time + 2 + id + 2

    init(_ traces: [TraceSummary], _ style: TerminalStyle) {
        self.style = style
        duration = traces.map { Cells.width(Units.duration($0.duration, style)) }.reduce(8, max)
        spans = traces.map { Units.count($0.spanCount).count }.reduce(5, max)
        // Where room is scarce the root needs it most.
        (gap, services) = style.width < 100 ? (1, 4) : (2, 8)
        root = max(8, style.width - Self.root - (gap + duration + gap + spans + gap + services))
    }

    func header() -> String {
        var line = Line(style)
        line.go(to: 2)
        line.add("TIME", .dim)
        line.go(to: 2 + Self.time + 2)
        line.add("TRACE", .dim)
        line.go(to: Self.root)
        line.add("ROOT", .dim)
        line.go(to: Self.root + root + gap)
        line.add("DURATION", .dim, rightIn: duration)
        line.skip(gap)
        line.add("SPANS", .dim, rightIn: spans)
        line.skip(gap)
        line.add(gap == 1 ? "SVCS" : "SERVICES", .dim, rightIn: services)
        return line.text
    }

    func row(_ trace: TraceSummary, _ time: CivilTime) -> String {
        let failed = trace.errorCount > 0
        var line = Line(style)
        line.add(failed ? style.sign("✗", "x") : " ", .bad)
        line.go(to: 2)
        line.add(time.clock)
        line.go(to: 2 + Self.time + 2)
        line.add(String(trace.traceID.description.prefix(Self.id)), .dim)
        line.go(to: Self.root)
        // The service gives way to the name, down to half.
        let name = Cells.width(Cells.escape(trace.rootName, unicode: style.unicode))
        line.add(trace.rootService, .service(trace.rootService), limit: root - 2 - min(name, root / 2))
        line.add(": ", .dim)
        line.add(trace.rootName, failed ? .bad : .plain, limit: Self.root + root - line.cells)
        line.go(to: Self.root + root + gap)
        line.add(Units.duration(trace.duration, style), rightIn: duration)
        line.skip(gap)
        line.add(Units.count(trace.spanCount), rightIn: spans)
        line.skip(gap)
        line.add(Units.count(trace.services.count), rightIn: services)
        return line.text
    }
}

extension TraceSummary {
    /// Nanoseconds; none for a span of another's that ends before it starts.
    fileprivate var duration: UInt64 { endTime > startTime ? endTime - startTime : 0 }
}
