import GRDB
import ServiceTracing

// What became of spans, for the outbox: only the writer writes it, in the active slice and in sealed ones.
extension BufferWriter {
    /// A slice in which spans wait.
    struct PendingSlice: Sendable {
        let id: Int64
        let pending: [PendingRange]
        /// No pending span started earlier, in nanoseconds since 1970.
        let earliest: Int64
        let enqueued: Int
    }

    /// How many spans wait in all.
    var pendingCount: Int { sealed.reduce(active?.counters.pending ?? 0) { $0 + $1.counters.pending } }

    /// How much is being recorded, and whether there will be room for it.
    var load: BufferLoad {
        var waiting = active.map { files.bytes(files.slice($0.id)) } ?? 0
        for slice in sealed where slice.counters.pending > 0 {
            waiting += slice.bytes * slice.counters.pending / slice.counters.enqueued
        }
        return BufferLoad(recorded: queue.accepted, isFilling: waiting > configuration.maxBytes / 2)
    }

    /// The slice with the oldest waiting span first: it would expire first.
    func pendingSlices() -> [PendingSlice] {
        var slices = sealed.map { ($0.id, $0.counters, $0.outcomes) }
        if let active { slices.append((active.id, active.counters, active.outcomes)) }
        return slices.filter { $0.1.pending > 0 }
            .sorted { ($0.1.oldestPending ?? .max, $0.0) < ($1.1.oldestPending ?? .max, $1.0) }
            .map { id, counters, outcomes in
                PendingSlice(
                    id: id,
                    pending: outcomes.pending(enqueued: counters.enqueued),
                    earliest: earliestPending(id, counters),
                    enqueued: counters.enqueued
                )
            }
    }

    /// The slices that hold expired spans, and where.
    func expiredSlices() -> [(id: Int64, ranges: [OutcomeRange])] {
        var slices = sealed.map { ($0.id, $0.outcomes.expired) }
        if let active { slices.append((active.id, active.outcomes.expired)) }
        return slices.filter { !$0.1.isEmpty }
    }

    /// Gives those of the spans that are still pending an outcome. A slice that has gone has none: its pending spans
    /// have been counted as evicted.
    ///
    /// - Returns: How many got it.
    /// - Throws: `DatabaseError`; then none did.
    @discardableResult
    func settle(_ id: Int64, _ spans: [ClosedRange<Int64>], _ settlement: Settlement) throws -> Int {
        let now = Int64(clamping: clock.wall)
        func write() throws -> Int { try change(id) { $0.settle(spans, settlement, at: now, enqueued: $1) } }
        do {
            return try write()
        } catch  where BufferDatabase.isLackOfRoom(error) && files.lacksRoom {
            // What has been sent must be noted, or it would be sent again.
            files.giveUpReserve()
            defer { files.keepReserve() }
            return try write()
        }
    }

    /// Makes a slice's expired spans pending again.
    ///
    /// - Returns: How many.
    /// - Throws: `DatabaseError`; then none were.
    func retime(_ id: Int64, by shift: Int64) throws -> Int {
        let now = Int64(clamping: clock.wall)
        earliest[id] = nil
        return -(try change(id) { outcomes, _ in outcomes.retime(by: shift, at: now) })
    }

    /// Remembers the earliest start, so that an outbox need not look again until it matters.
    func noteEarliest(_ id: Int64, _ start: Int64, asOf enqueued: Int) { earliest[id] = (start, enqueued) }

    private func earliestPending(_ id: Int64, _ counters: SliceCounters) -> Int64 {
        if let known = earliest[id], known.enqueued == counters.enqueued { return known.start }
        return min(counters.first ?? .max, counters.oldestPending ?? .max)
    }

    /// - Returns: By how many fewer wait now.
    private func change(
        _ id: Int64,
        _ make: (inout SliceOutcomes, Int) -> SliceOutcomes.Change
    ) throws -> Int {
        guard !isClosed else { throw BufferClosed() }
        if let active, active.id == id {
            let before = active.counters.pending
            _ = try active.change(make)
            return before - active.counters.pending
        }
        guard let index = sealed.firstIndex(where: { $0.id == id }) else { return 0 }
        let slice = try writer(of: id)
        // As it was before anything failed, which is what the sealed one tells of.
        let before = sealed[index].counters.pending
        _ = try slice.change(make)
        sealed[index].counters = slice.counters
        sealed[index].outcomes = slice.outcomes
        if slice.counters.pending == 0 {
            reopened = nil
            try slice.close()
        }
        return before - slice.counters.pending
    }

    private func writer(of id: Int64) throws -> SliceWriter {
        if let reopened, reopened.id == id { return reopened }
        let previous = reopened
        reopened = nil
        try previous?.close()
        let slice = try SliceWriter(id: id, path: files.slice(id))
        reopened = slice
        return slice
    }
}

/// The buffer's files are closed.
struct BufferClosed: Error {}
