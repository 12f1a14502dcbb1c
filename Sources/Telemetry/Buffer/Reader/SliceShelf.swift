import ServiceTracing
import Synchronization

/// The slices there are, with a digest of each that is sealed: made at the first question, and once more for each slice that
/// is sealed since. It holds no file open, so that a dropped slice's space is given back at once.
final class SliceShelf: Sendable {
    private struct State {
        var digests: [Int64: SliceDigest] = [:]
        var shared: [TraceID: SharedTrace] = [:]
    }

    let files: BufferFiles
    private let state = Mutex(State())

    init(_ files: BufferFiles) { self.files = files }

    /// What is there now. A slice that has gone or is bad is passed over.
    ///
    /// - Throws: `DatabaseError`.
    func view() throws -> SliceView {
        let ids = files.sliceIDs()
        var (digests, shared) = state.withLock { ($0.digests, $0.shared) }
        // All but the newest are sealed: the writer closes one before it begins the next.
        let sealed = ids.dropLast()
        let missing = sealed.filter { digests[$0] == nil }
        let gone = Set(digests.keys).subtracting(sealed)
        if !missing.isEmpty || !gone.isEmpty {
            for id in gone { digests[id] = nil }
            for id in missing { digests[id] = try digest(id) }
            try SharedTrace.update(&shared, digests, new: missing, gone: gone, files)
            state.withLock { state in (state.digests, state.shared) = (digests, shared) }
        }
        return SliceView(
            files: files,
            sealed: sealed.compactMap { id in digests[id].map { (id, $0) } },
            newest: ids.last,
            shared: shared
        )
    }

    private func digest(_ id: Int64) throws -> SliceDigest? {
        do {
            return try SliceReader(id: id, path: files.slice(id)).map(SliceDigest.init)
        } catch  where BufferDatabase.isCorruption(error) {
            return nil
        }
    }
}

/// A trace that several sealed slices have a part of: few, those that were under way when one slice gave way to the next,
/// and those with a span that came late.
struct SharedTrace: Sendable {
    var slices: [Int64]
    /// In nanoseconds since 1970, UTC.
    var start: UInt64
    var end: UInt64

    /// Follows what has come and gone.
    ///
    /// - Throws: `DatabaseError`.
    static func update(
        _ shared: inout [TraceID: SharedTrace],
        _ digests: [Int64: SliceDigest],
        new: [Int64],
        gone: Set<Int64>,
        _ files: BufferFiles
    ) throws {
        var changed = repeated(digests, new)
        for (id, trace) in shared where !gone.isDisjoint(with: trace.slices) { changed.insert(id) }
        for id in changed { shared[id] = nil }
        for (slice, digest) in digests {
            let own = changed.filter(digest.contains)
            guard !own.isEmpty, let reader = try SliceReader(id: slice, path: files.slice(slice)) else { continue }
            for id in own {
                guard let part = try reader.summary(of: id) else { continue }
                var trace = shared[id] ?? SharedTrace(slices: [], start: part.startTime, end: part.endTime)
                trace.slices.append(slice)
                trace.start = min(trace.start, part.startTime)
                trace.end = max(trace.end, part.endTime)
                shared[id] = trace
            }
        }
        for id in changed where shared[id].map({ $0.slices.count < 2 }) ?? false { shared[id] = nil }
    }

    /// The traces that new slices have in common with any other.
    private static func repeated(_ digests: [Int64: SliceDigest], _ new: [Int64]) -> Set<TraceID> {
        // A few against all others: a walk along two lists. Many, at the first question: sorting all is quicker.
        guard new.count > 8 else {
            var repeated: Set<TraceID> = []
            for id in new {
                guard let digest = digests[id] else { continue }
                for (other, theirs) in digests where other != id { repeated.formUnion(digest.common(with: theirs)) }
            }
            return repeated
        }
        let ids = digests.values.flatMap(\.traces).sorted(by: <)
        return Set(zip(ids, ids.dropFirst()).lazy.filter { $0 == $1 }.map(\.0))
    }
}

/// The slices at one moment, for one question: opened when something of them is needed, closed with the view.
final class SliceView {
    private let files: BufferFiles
    /// Oldest first.
    let sealed: [(id: Int64, digest: SliceDigest)]
    /// The one that is perhaps still written; nil when there is none at all.
    let newest: Int64?
    /// By trace.
    let shared: [TraceID: SharedTrace]
    private var readers: [Int64: SliceReader?] = [:]
    private var withSpan: [Int64: Bool] = [:]

    init(
        files: BufferFiles,
        sealed: [(id: Int64, digest: SliceDigest)],
        newest: Int64?,
        shared: [TraceID: SharedTrace]
    ) {
        self.files = files
        self.sealed = sealed
        self.newest = newest
        self.shared = shared
    }

    /// Nil when it has gone or is bad.
    ///
    /// - Throws: `DatabaseError`.
    func reader(_ id: Int64) throws -> SliceReader? {
        if let known = readers[id] { return known }
        let reader = try SliceReader(id: id, path: files.slice(id))
        readers[id] = .some(reader)
        return reader
    }

    /// Whether a slice may have the span that is looked for: asked once.
    ///
    /// - Throws: `DatabaseError`.
    func mayHaveSpan(_ slice: SliceReader, _ filter: TraceFilter) throws -> Bool {
        if let known = withSpan[slice.id] { return known }
        let may = try slice.mayHaveSpan(filter)
        withSpan[slice.id] = may
        return may
    }

    /// Those that have a part of a trace, or may have one, oldest first.
    ///
    /// - Parameter known: One that is known to have a part: in a sealed one's case all others are known with it.
    func slices(with trace: TraceID, known: Int64? = nil) throws -> [SliceReader] {
        let sealed =
            if let known, known != newest {
                shared[trace]?.slices.sorted() ?? [known]
            } else {
                sealed.filter { $0.digest.contains(trace) }.map(\.id)
            }
        return try (sealed + (newest.map { [$0] } ?? [])).compactMap(reader)
    }

    /// Those with a trace that ended at a moment or later, the newest first.
    func slices(endingAfter moment: Int64) -> some Sequence<Int64> {
        (sealed.filter { $0.digest.end >= moment }.map(\.id) + (newest.map { [$0] } ?? [])).reversed()
    }
}
