import ServiceTracing

/// Merges the slices' lists of traces, newest first, reading no more of each than it must.
///
/// Each slice is read by falling start. A trace's true start is the earliest of what the slices have of it, so it is
/// known to be in place once every slice has been read down to it: the cut-off is the highest start at which one of
/// them still has more to give.
struct TraceListing {
    private struct Cursor {
        let slice: SliceReader
        /// Everything from here on has been read.
        var position: SliceReader.Position?
        var isExhausted = false
    }

    private let slices: [SliceReader]

    init(slices: [SliceReader]) {
        self.slices = slices
    }

    func page(_ filter: TraceFilter) throws -> [TraceSummary] {
        var cursors = slices.map { Cursor(slice: $0) }
        var found: [TraceID: TraceSummary] = [:]
        var seen: Set<TraceID> = []
        while let next = cursors.indices.filter({ !cursors[$0].isExhausted }).max(by: {
            start(cursors[$0]) < start(cursors[$1])
        }) {
            if start(cursors[next]) != .max, isFull(found, filter, below: start(cursors[next])) { break }
            let page = try cursors[next].slice.traces(filter, after: cursors[next].position, count: filter.limit + 1)
            cursors[next].position = page.last?.position ?? cursors[next].position
            cursors[next].isExhausted = page.count <= filter.limit
            for row in page where seen.insert(row.summary.traceID).inserted {
                let whole = try complete(row.summary, foundIn: cursors[next].slice)
                if filter.admits(whole) { found[whole.traceID] = whole }
            }
        }
        return cut(found.values.sorted(by: isNewer), filter.limit)
    }

    private func start(_ cursor: Cursor) -> Int64 { cursor.position?.start ?? .max }

    /// Whether enough traces are newer than all that is still unread.
    private func isFull(_ found: [TraceID: TraceSummary], _ filter: TraceFilter, below start: Int64) -> Bool {
        found.count >= filter.limit
            && found.values.reduce(0) { $0 + ($1.startTime > UInt64(clamping: start) ? 1 : 0) } >= filter.limit
    }

    private func complete(_ part: TraceSummary, foundIn slice: SliceReader) throws -> TraceSummary {
        var whole = part
        for other in slices where other.id != slice.id {
            if let rest = try other.summary(of: part.traceID) { whole.merge(rest) }
        }
        return whole
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
