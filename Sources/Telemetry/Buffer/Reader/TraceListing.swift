import ServiceTracing

/// Merges the slices' lists of traces, newest first, reading no more of each than it must.
///
/// Each slice is read by falling start. A trace's true start is the earliest of what the slices have of it, so it is
/// known to be in place once every slice has been read down to it: the cut-off is the highest start at which one of
/// them still has more to give.
struct TraceListing {
    private struct Cursor {
        let slice: SliceReader
        /// What has not been read begins here or earlier; nil when all has been.
        var start: Int64?
        var position: SliceReader.Position?
        /// Grows, so that a search that finds little needs few questions.
        var count: Int

        /// - Returns: The next rows.
        mutating func advance(_ filter: TraceFilter) throws -> [TraceSummary] {
            let page = try slice.traces(filter, after: position, count: count)
            position = page.last?.position
            start = page.count < count ? nil : position?.start
            count = min(count * 2, 2_000)
            return page.map(\.summary)
        }
    }

    private let slices: [SliceReader]
    private let filter: TraceFilter
    private var found: [TraceID: TraceSummary] = [:]
    /// Traces whose every part has been looked up.
    private var complete: Set<TraceID> = []
    /// Parts too short to be asked for, in case another slice has more of the same trace.
    private var short: [TraceID: ClosedRange<UInt64>] = [:]

    init(slices: [SliceReader], filter: TraceFilter) {
        self.slices = slices
        self.filter = filter
    }

    /// - Throws: `DatabaseError`.
    static func page(_ slices: [SliceReader], _ filter: TraceFilter) throws -> [TraceSummary] {
        var listing = TraceListing(slices: slices, filter: filter)
        return try listing.page()
    }

    private mutating func page() throws -> [TraceSummary] {
        var cursors = try slices.map {
            Cursor(slice: $0, start: try $0.newestStart(before: filter.before), count: filter.limit + 1)
        }
        while let next = Self.newest(cursors), let start = cursors[next].start, !isFull(below: start) {
            for part in try cursors[next].advance(filter) { try take(part, from: cursors[next].slice) }
        }
        return cut(found.values.sorted(by: isNewer), filter.limit)
    }

    private static func newest(_ cursors: [Cursor]) -> Int? {
        cursors.indices.filter { cursors[$0].start != nil }.max { (cursors[$0].start ?? 0) < (cursors[$1].start ?? 0) }
    }

    /// Looks for a trace's other parts, unless what is known of it is too short: a longer whole shows when the reading
    /// comes to the earliest of its parts.
    private mutating func take(_ part: TraceSummary, from slice: SliceReader) throws {
        let id = part.traceID
        guard !complete.contains(id) else { return }
        var times = min(part.startTime, part.endTime)...part.endTime
        if let known = short[id] {
            times = min(times.lowerBound, known.lowerBound)...max(times.upperBound, known.upperBound)
        }
        // The other parts of one that was chosen by its spans may not be among those that are read.
        guard filter.looksIntoSpans || filter.isLongEnough(times.upperBound - times.lowerBound) else {
            short[id] = times
            return
        }
        complete.insert(id)
        var whole = part
        for other in slices where other.id != slice.id {
            if let rest = try other.summary(of: id) { whole.merge(rest) }
        }
        if filter.admits(whole) { found[id] = whole }
    }

    /// Whether enough traces are newer than all that is still unread.
    private func isFull(below start: Int64) -> Bool {
        found.count >= filter.limit
            && found.values.reduce(0) { $0 + ($1.startTime > UInt64(clamping: start) ? 1 : 0) } >= filter.limit
    }

    private func isNewer(_ one: TraceSummary, _ other: TraceSummary) -> Bool {
        (one.startTime, other.traceID.description) > (other.startTime, one.traceID.description)
    }

    private func cut(_ traces: [TraceSummary], _ limit: Int) -> [TraceSummary] {
        guard traces.count > limit else { return traces }
        let last = traces[limit - 1].startTime
        return Array(traces.prefix { $0.startTime >= last })
    }
}
