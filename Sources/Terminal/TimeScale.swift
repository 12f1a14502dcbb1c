/// Nanoseconds onto cells: the trace's whole duration is the whole width.
struct TimeScale {
    let start: UInt64
    let end: UInt64
    let cells: Int

    var duration: UInt64 { end - start }

    /// A bar as runs of the same sign. At least one cell, also for what took no time.
    ///
    /// What the span's children cover is drawn thin, so that the eye finds who took the time; events are dots.
    func bar(_ span: WaterfallSpan, covered: [ClosedRange<UInt64>], _ style: TerminalStyle) -> (at: Int, signs: String)
    {
        let first = min(cell(span.start, .down), cells - 1)
        let last = max(first, cell(span.end, .up) - 1)
        let own = Character(style.sign("▇", "#"))
        var signs = Array(repeating: own, count: last - first + 1)
        for part in covered {
            // A cell is thin only when all of it is the children's.
            let (from, to) = (cell(part.lowerBound, .up), cell(part.upperBound, .down))
            for cell in max(first, from)..<max(first, from, min(to, last + 1)) {
                signs[cell - first] = Character(style.sign("─", "-"))
            }
        }
        for event in span.events {
            let place = min(max(cell(event.time, .down), first), last)
            signs[place - first] = Character(style.sign("•", "*"))
        }
        return (first, String(signs))
    }

    /// `0 ms … 421 ms … 842 ms` over the bars.
    func axis(_ line: inout Line) {
        let style = line.style
        let begin = line.cells
        line.add("0", .dim)
        let middle = Units.duration(duration / 2, style)
        let whole = Units.duration(duration, style)
        let (half, full) = (Cells.width(middle), Cells.width(whole))
        if duration > 0, cells >= 3 * (full + 2) {
            line.go(to: begin + cells / 2 - half / 2)
            line.add(middle, .dim)
        }
        line.go(to: begin + max(2, cells - full))
        if duration > 0 { line.add(whole, .dim, limit: begin + cells - line.cells) }
    }

    private func cell(_ time: UInt64, _ rule: FloatingPointRoundingRule) -> Int {
        guard duration > 0, time > start else { return 0 }
        let place = Double(min(time, end) - start) / Double(duration) * Double(cells)
        return Int(place.rounded(rule))
    }
}
