import ServiceTracing

/// Merges the slices' lists of traces, newest first, reading no more of each than it must.
///
/// Each slice is read by falling start. A trace's true start is the earliest of what the slices have of it, so it is
/// known to be in place once every slice has been read down to it: the cut-off is the highest start at which one of
/// them still has more to give.
///
/// A slice whose digest says that it has nothing of what is asked for is not opened.
struct TraceListing {
    private struct Cursor {
        let slice: Int64
        /// What has not been read begins here or earlier; nil when all has been.
        var start: Int64?
        var position: SliceReader.Position?
        /// Grows, so that a search that finds little needs few questions.
        var count: Int

        /// - Returns: The next rows.
        mutating func advance(_ filter: TraceFilter, in view: SliceView) throws -> [TraceSummary] {
            guard let reader = try view.reader(slice) else {
                start = nil
                return []
            }
            let page = try reader.traces(filter, after: position, count: count)
            position = page.last?.position
            start = page.count < count ? nil : position?.start
            count = min(count * 2, 2_000)
            return page.map(\.summary)
        }
    }

    private let view: SliceView
    private let filter: TraceFilter
    private var found: [TraceID: TraceSummary] = [:]
    /// Traces whose every part has been looked up.
    private var complete: Set<TraceID> = []

    init(view: SliceView, filter: TraceFilter) {
        self.view = view
        self.filter = filter
    }

    /// - Throws: `DatabaseError`.
    static func page(_ view: SliceView, _ filter: TraceFilter) throws -> [TraceSummary] {
        var listing = TraceListing(view: view, filter: filter)
        return try listing.page()
    }

    private mutating func page() throws -> [TraceSummary] {
        var cursors = try view.sealed.compactMap(cursor)
        if let newest = view.newest, let start = try view.reader(newest)?.newestStart(before: filter.before) {
            cursors.append(Cursor(slice: newest, start: start, count: filter.limit + 1))
        }
        var shared = try sharedTraces()
        while let start = max(Self.newest(cursors)?.start, shared.last?.start), !isFull(below: start) {
            if let next = shared.last, next.start == start {
                shared.removeLast()
                try take(next.id, in: nil)
            } else if let next = Self.newest(cursors)?.index {
                for part in try cursors[next].advance(filter, in: view) {
                    try take(part.traceID, in: (cursors[next].slice, part))
                }
            }
        }
        return cut(found.values.sorted(by: isNewer), filter.limit)
    }

    /// Nil where the digest says that there is nothing to be had.
    private func cursor(_ slice: Int64, _ digest: SliceDigest) throws -> Cursor? {
        guard let starts = digest.starts else { return nil }
        let bound = filter.before.map { Int64(clamping: $0) } ?? .max
        guard starts.lowerBound < bound, digest.hasErrors || !filter.errorsOnly,
            filter.isPartLongEnough(digest.longest)
        else { return nil }
        return Cursor(slice: slice, start: min(starts.upperBound, bound - 1), count: filter.limit + 1)
    }

    private static func newest(_ cursors: [Cursor]) -> (index: Int, start: Int64)? {
        var newest: (index: Int, start: Int64)?
        for (index, cursor) in cursors.enumerated() {
            if let start = cursor.start, newest.map({ start > $0.start }) ?? true { newest = (index, start) }
        }
        return newest
    }

    /// What is long, or has all that is asked for, only as a whole is in no slice's list: the latest last.
    private func sharedTraces() throws -> [(id: TraceID, start: Int64)] {
        guard filter.joinsParts else { return [] }
        let bound = filter.before ?? .max
        return try view.sharedTraces().lazy
            .filter { $1.start < bound && filter.isLongEnough($1.end - min($1.start, $1.end)) }
            .map { ($0, Int64(clamping: $1.start)) }
            .sorted { $0.1 < $1.1 }
    }

    /// Joins a trace's parts, once.
    private mutating func take(_ id: TraceID, in known: (slice: Int64, part: TraceSummary)?) throws {
        guard complete.insert(id).inserted else { return }
        var whole = known?.part
        for slice in try view.slices(with: id, known: known?.slice) where slice.id != known?.slice {
            guard let part = try slice.summary(of: id) else { continue }
            whole?.merge(part)
            whole = whole ?? part
        }
        guard let whole, filter.admits(whole) else { return }
        // A slice's list has only traces that were chosen by their spans.
        if filter.looksIntoSpans, known == nil {
            let isChosen = try view.slices(with: id).contains { slice in
                try view.mayHaveSpan(slice, filter) && slice.hasSpan(of: id, filter)
            }
            guard isChosen else { return }
        }
        found[id] = whole
    }

    /// Whether enough traces are newer than all that is still unread.
    private func isFull(below start: Int64) -> Bool {
        found.count >= filter.limit
            && found.values.reduce(0) { $0 + ($1.startTime > UInt64(clamping: start) ? 1 : 0) } >= filter.limit
    }

    private func isNewer(_ one: TraceSummary, _ other: TraceSummary) -> Bool {
        one.startTime == other.startTime ? other.traceID < one.traceID : one.startTime > other.startTime
    }

    private func cut(_ traces: [TraceSummary], _ limit: Int) -> [TraceSummary] {
        guard traces.count > limit else { return traces }
        let last = traces[limit - 1].startTime
        return Array(traces.prefix { $0.startTime >= last })
    }
}

/// The later of two moments, of which there may be none.
private func max(_ one: Int64?, _ other: Int64?) -> Int64? {
    guard let one, let other else { return one ?? other }
    return Swift.max(one, other)
}
