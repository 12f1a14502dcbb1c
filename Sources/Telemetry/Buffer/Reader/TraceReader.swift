import Dispatch
import GRDB
public import ServiceTracing

/// Answers a viewer's questions from the buffer's files: in the shop's process, in another one beside it, and when no
/// shop runs. It only reads. A directory that does not exist gives empty answers, and a slice that is dropped or bad
/// while it is being read is passed over.
public struct TraceReader: Sendable {
    let files: BufferFiles
    private let shelf: SliceShelf
    /// Disk work is done here, one question at a time, and not on the cooperative pool.
    private let queue = DispatchQueue(label: "popshop.trace-reader")

    /// - Parameter directory: `<data-dir>/telemetry`.
    public init(directory: String) {
        self.init(SliceShelf(BufferFiles(directory: directory)))
    }

    /// A reader of the same files, whose questions do not wait for this one's.
    public func another() -> TraceReader { TraceReader(shelf) }

    private init(_ shelf: SliceShelf) {
        self.shelf = shelf
        files = shelf.files
    }

    /// Traces by their start, the newest first. A trace that lies in several slices is one.
    ///
    /// - Throws: `DatabaseError`.
    public func traces(_ filter: TraceFilter = TraceFilter()) async throws -> [TraceSummary] {
        try await inView { try TraceListing.page($0, filter) }
    }

    /// A trace's spans by their start; none when it is not known.
    ///
    /// - Throws: `DatabaseError`.
    public func trace(_ id: TraceID) async throws -> [StoredSpan] {
        try await inView { view in
            try view.slices(with: id).flatMap { try $0.spans(of: id) }.sorted { $0.startTime < $1.startTime }
        }
    }

    /// The spans of the one trace whose id begins so.
    ///
    /// - Parameter idPrefix: Four lowercase hex digits or more.
    /// - Throws: `TracePrefixError` when it is too short, no hex, or fits several traces; `DatabaseError`.
    public func trace(idPrefix: String) async throws -> [StoredSpan] {
        let range = try TraceIDRange(prefix: idPrefix)
        let ids = try await overSlices { slices in
            try slices.reduce(into: Set<TraceID>()) { $0.formUnion(try $1.traceIDs(in: range)) }
        }
        guard ids.count <= 1 else { throw TracePrefixError.ambiguous(ids.map(\.description).sorted()) }
        guard let id = ids.first else { return [] }
        return try await trace(id)
    }

    /// Who called whom. At most the newest 100,000 spans are looked at.
    ///
    /// - Parameter since: Spans that started then or later, in nanoseconds since 1970, UTC.
    /// - Throws: `DatabaseError`.
    public func serviceMap(since: UInt64) async throws -> ServiceMap {
        try await inView { view in
            var builder = ServiceMapBuilder()
            for slice in view.slices(endingAfter: Int64(clamping: since)) where !builder.isFull {
                try view.reader(slice)?.visitMapSpans(since: Int64(clamping: since), limit: builder.room) {
                    builder.add($0)
                }
            }
            return builder.map()
        }
    }

    /// The books as the files have them. What a running shop has dropped since its last write, and its last error, it
    /// alone knows.
    ///
    /// - Throws: `DatabaseError`.
    public func counts() async throws -> BufferCounts {
        try await offPool { try readCounts() }
    }

    func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: .init(catching: body)) }
        }
    }

    /// Asks the slices that can be read. When one turns out to be bad where it is looked at, all that can be read without
    /// it is the answer.
    func inView<Result: Sendable>(_ body: @escaping @Sendable (SliceView) throws -> Result) async throws -> Result {
        try await offPool {
            var bad: Set<Int64> = []
            while true {
                do {
                    return try body(shelf.view(without: bad))
                } catch let slice as SliceUnreadable {
                    bad.insert(slice.id)
                }
            }
        }
    }

    /// As `inView`, all of them, oldest first.
    func overSlices<Result: Sendable>(_ body: @escaping @Sendable ([SliceReader]) throws -> Result) async throws
        -> Result
    {
        try await inView { try body($0.all()) }
    }

    /// Oldest first.
    func openSlices() throws -> [SliceReader] {
        try files.sliceIDs().compactMap { try SliceReader(id: $0, path: files.slice($0)) }
    }

    /// A slice folded between the two reads would be missed, and one folded and not yet unlinked counted twice: the
    /// catalogue says which count, and is read again when one of them has gone meanwhile.
    private func readCounts() throws -> BufferCounts {
        guard files.exists(files.ledger), let ledger = try Ledger.reader(files.ledger) else {
            return BufferCounts(slices: try openSlices().compactMap(Self.counters))
        }
        var counts = BufferCounts()
        for _ in 0..<5 {
            let (totals, catalogue) = try ledger.read { try (LedgerTotals.read($0), CatalogueRow.readAll($0)) }
            let ids = catalogue.filter { !$0.isFolded }.map(\.id)
            let slices = try ids.compactMap { try SliceReader(id: $0, path: files.slice($0)).flatMap(Self.counters) }
            counts = BufferCounts(totals: totals, slices: slices)
            if try ledger.read({ try LedgerTotals.read($0) }) == totals { break }
        }
        counts.bytes = ([files.ledger] + files.sliceIDs().map(files.slice)).reduce(0) { $0 + files.bytes($1) }
        return counts
    }

    /// Nil for a slice whose numbers are bad, as for one that cannot be opened.
    static func counters(_ slice: SliceReader) throws -> SliceCounters? {
        do {
            return try slice.counters()
        } catch is SliceUnreadable {
            return nil
        }
    }
}
