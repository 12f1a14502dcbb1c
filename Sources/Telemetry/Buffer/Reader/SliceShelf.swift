import ServiceTracing
import Synchronization

/// The slices there are, with a digest of each that is sealed: made at the first question, and once more for each slice that
/// is sealed since. It holds no file open, so that a dropped slice's space is given back at once.
final class SliceShelf: Sendable {
    fileprivate struct State {
        var digests: [Int64: SliceDigest] = [:]
        var shared: [TraceID: SharedTrace] = [:]
        /// All that any of them has, and perhaps had.
        var sieve = TraceSieve()
    }

    let files: BufferFiles
    private let state = Mutex(State())

    init(_ files: BufferFiles) { self.files = files }

    /// What is there now. A slice that has gone or is bad is passed over.
    ///
    /// - Parameter bad: Those that were found to be.
    /// - Throws: `DatabaseError`.
    func view(without bad: Set<Int64> = []) throws -> SliceView {
        let ids = files.sliceIDs()
        var now = state.withLock { $0 }
        // All but the newest are sealed: the writer closes one before it begins the next.
        let sealed = ids.dropLast()
        let missing = sealed.filter { now.digests[$0] == nil }
        let gone = Set(now.digests.keys).subtracting(sealed)
        if !missing.isEmpty || !gone.isEmpty {
            for id in gone { now.digests[id] = nil }
            var changed = Set(now.shared.filter { !gone.isDisjoint(with: $1.slices) }.keys)
            for id in missing {
                guard let digest = try digest(id) else { continue }
                changed.formUnion(digest.traces.filter(now.sieve.mayContain))
                now.digests[id] = digest
                now.add(digest)
            }
            try SharedTrace.update(&now.shared, changed, now.digests, files)
            state.withLock { $0 = now }
        }
        return SliceView(
            files: files,
            sealed: sealed.filter { !bad.contains($0) }.compactMap { id in now.digests[id].map { (id, $0) } },
            newest: ids.last.flatMap { bad.contains($0) ? nil : $0 },
            bad: bad,
            shared: now.shared,
            sieve: now.sieve
        )
    }

    private func digest(_ id: Int64) throws -> SliceDigest? {
        do {
            return try SliceReader(id: id, path: files.slice(id)).map(SliceDigest.init)
        } catch is SliceUnreadable {
            return nil
        }
    }
}

extension SliceShelf.State {
    /// Lets a slice's ids into the sieve, which is made anew when it is full.
    mutating func add(_ digest: SliceDigest) {
        if sieve.room < digest.traces.count {
            sieve = TraceSieve(capacity: 2 * digests.values.reduce(0) { $0 + $1.traces.count })
            for digest in digests.values { for id in digest.traces { sieve.insert(id) } }
        } else {
            for id in digest.traces { sieve.insert(id) }
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

    /// Looks the changed ones up anew; those of which fewer than two slices have a part are left out.
    ///
    /// - Throws: `DatabaseError`.
    static func update(
        _ shared: inout [TraceID: SharedTrace],
        _ changed: Set<TraceID>,
        _ digests: [Int64: SliceDigest],
        _ files: BufferFiles
    ) throws {
        for id in changed { shared[id] = nil }
        let several = changed.filter { id in
            var count = 0
            for digest in digests.values where digest.contains(id) { count += 1 }
            return count > 1
        }
        for (slice, digest) in digests {
            let own = several.filter(digest.contains)
            guard !own.isEmpty, let reader = try SliceReader(id: slice, path: files.slice(slice)) else { continue }
            for id in own {
                // One that cannot be read here is not the whole answer's end.
                guard let part = try? reader.summary(of: id) else { continue }
                shared[id, default: SharedTrace(part)].add(part, in: slice)
            }
        }
    }

    init(_ part: TraceSummary) { (slices, start, end) = ([], part.startTime, part.endTime) }

    mutating func add(_ part: TraceSummary, in slice: Int64) {
        slices.append(slice)
        start = min(start, part.startTime)
        end = max(end, part.endTime)
    }
}

/// The slices at one moment, for one question: opened when something of them is needed, closed with the view.
final class SliceView {
    private let files: BufferFiles
    /// Oldest first.
    let sealed: [(id: Int64, digest: SliceDigest)]
    /// The one that is perhaps still written; nil when there is none at all.
    let newest: Int64?
    private var unsealed: [Int64] { newest.map { [$0] } ?? [] }
    private let bad: Set<Int64>
    /// By trace.
    private let shared: [TraceID: SharedTrace]
    private let sieve: TraceSieve
    private var readers: [Int64: SliceReader?] = [:]
    private var withSpan: [Int64: Bool] = [:]

    init(
        files: BufferFiles,
        sealed: [(id: Int64, digest: SliceDigest)],
        newest: Int64?,
        bad: Set<Int64>,
        shared: [TraceID: SharedTrace],
        sieve: TraceSieve
    ) {
        self.files = files
        self.sieve = sieve
        self.sealed = sealed
        self.newest = newest
        self.bad = bad
        self.shared = shared
    }

    /// Nil when it has gone or is bad.
    ///
    /// - Throws: `DatabaseError`.
    func reader(_ id: Int64) throws -> SliceReader? {
        if let known = readers[id] { return known }
        guard !bad.contains(id) else { return nil }
        let reader = try SliceReader(id: id, path: files.slice(id))
        readers[id] = .some(reader)
        return reader
    }

    /// All of them, oldest first.
    ///
    /// - Throws: `DatabaseError`.
    func all() throws -> [SliceReader] { try (sealed.map(\.id) + unsealed).compactMap(reader) }

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
            } else if sieve.mayContain(trace) {
                sealed.filter { $0.digest.contains(trace) }.map(\.id)
            } else {
                [Int64]()
            }
        return try (sealed + unsealed).compactMap(reader)
    }

    /// The traces that several slices have a part of, the one that is written among them.
    ///
    /// - Throws: `DatabaseError`.
    func sharedTraces() throws -> [TraceID: SharedTrace] {
        guard let newest, let slice = try reader(newest) else { return shared }
        var all = shared
        for id in try SliceDigest.traces(of: slice, in: sieve) {
            for slice in try slices(with: id) {
                if let part = try slice.summary(of: id) {
                    all[id, default: SharedTrace(part)].add(part, in: slice.id)
                }
            }
        }
        return all
    }

    /// Those with a trace that ended at a moment or later, the newest first.
    func slices(endingAfter moment: Int64) -> some Sequence<Int64> {
        (sealed.filter { $0.digest.end >= moment }.map(\.id) + unsealed).reversed()
    }
}
