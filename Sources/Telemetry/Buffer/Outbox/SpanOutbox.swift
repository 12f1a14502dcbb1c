import BackgroundExecutor
import GRDB
import Logging
import OTLP
import ServiceTracing
import Synchronization

/// The waiting end of the buffer: lends batches of pending spans, and takes back what became of them.
///
/// Spans are read by connections that only read, on a thread that gives way to the shop's, so that neither a request nor
/// what is being written waits for what is being sent. What became of them is written by the buffer's one writer.
public actor SpanOutbox {
    nonisolated let executor = BackgroundExecutor()
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let writer: BufferWriter
    private let files: BufferFiles
    private let logger: Logger
    /// Lent and not yet settled or returned.
    private var lent: [Int64: [ClosedRange<Int64>]] = [:]
    /// Settled, and not yet on disk because the disk would not take it: until it is they stay lent.
    private var unwritten: [(slice: Int64, spans: [ClosedRange<Int64>], settlement: Settlement)] = []
    /// Turns with everything that ends a loan, so that a look at what is pending is known to be old.
    private var turn = 0
    private var reader: SliceReader?
    /// Slices that cannot be read: passed over, so that they hold up no other. Their spans stay pending.
    private nonisolated let bad = Mutex<Set<Int64>>([])
    /// Met and left waiting, since they are dated too far ahead, until the first of a slice's has its time.
    private var held: [Int64: (spans: [ClosedRange<Int64>], earliest: Int64)] = [:]
    /// Met and left waiting, since they start before a window that was not sure.
    private var old: (bound: UInt64, spans: [Int64: [ClosedRange<Int64>]]) = (0, [:])
    private nonisolated let isStopping = Mutex(false)

    init(_ writer: BufferWriter, logger: Logger) {
        self.writer = writer
        files = writer.files
        self.logger = logger
    }

    /// Lends the next spans: of one slice, the slice with the oldest waiting span first, up to `maxBytes` of payload
    /// (one span at least) and `maxSpans`. Spans that started before the window are expired on the way, or passed over
    /// when it is not sure enough for that; those that start after it are passed over.
    ///
    /// - Parameter window: Of starts, in nanoseconds since 1970, UTC.
    /// - Throws: `DatabaseError`. `OutcomesUnwritten` while the disk does not take what became of others: what is sent then
    ///   would be sent again after a restart. `CancellationError` once it is stopped.
    public func nextBatch(
        maxBytes: Int,
        maxSpans: Int = .max,
        window: ClosedRange<UInt64>,
        expires: Bool = true
    ) async throws -> OutboxTake {
        await writeUnwritten()
        // One slice whose outcomes are not taken is passed over; a disk that takes none would have all that waits sent twice.
        let failing = Set(unwritten.map(\.slice))
        guard failing.count < 2, failing.isEmpty || !files.lacksRoom else { throw OutcomesUnwritten() }
        if expires || window.lowerBound < old.bound { old.spans = [:] }
        old.bound = window.lowerBound
        while true {
            try goOn()
            let before = turn
            let slices = await writer.pendingSlices()
            guard before == turn else { continue }
            if !slices.contains(where: { $0.id == reader?.id }) { reader = nil }
            forgetHeld(startingBefore: Int64(clamping: window.upperBound))
            var expired: (slice: Int64, spans: [ClosedRange<Int64>])?
            for slice in slices where !failing.contains(slice.id) {
                try goOn()
                let taken = (lent[slice.id] ?? []) + (held[slice.id]?.spans ?? []) + (old.spans[slice.id] ?? [])
                let free = slice.pending.flatMap { subtract(taken, from: $0) }
                guard !free.isEmpty else { continue }
                let page = try reading(slice.id) { reader in
                    var page = Page(maxBytes: maxBytes, maxSpans: maxSpans, window: window)
                    try reader.fill(&page, from: free)
                    page.resources = page.items.isEmpty ? [:] : try reader.resources()
                    return page
                }
                guard let page else { continue }
                hold(page, slice.id)
                if !page.expired.isEmpty, !expires {
                    old.spans[slice.id, default: []] += page.expired
                } else if !page.expired.isEmpty {
                    expired = (slice.id, page.expired)
                    break
                }
                if !page.items.isEmpty {
                    let batch = SpanBatch(
                        slice: slice.id,
                        items: page.items[...],
                        payloads: page.payloads,
                        resources: page.resources
                    )
                    lent[slice.id, default: []] += batch.ranges
                    return OutboxTake(batch: batch, held: heldCount)
                }
            }
            guard let expired else {
                guard failing.isEmpty else { throw OutcomesUnwritten() }
                return OutboxTake(batch: nil, held: heldCount)
            }
            try await writer.settle(expired.slice, expired.spans, .expired)
            turn += 1
        }
    }

    /// Says what became of a batch or a part of one. When the disk does not take it, it is kept and tried again.
    public func settle(_ batch: SpanBatch, _ settlement: Settlement) async {
        await write(batch.slice, batch.ranges, settlement)
    }

    /// Gives back a batch that was not sent, or of which nobody knows.
    public func giveBack(_ batch: SpanBatch) {
        endLoan(batch.slice, batch.ranges)
    }

    /// Expires what waits and started earlier.
    ///
    /// - Parameter start: In nanoseconds since 1970, UTC.
    /// - Returns: How many.
    /// - Throws: `DatabaseError`.
    @discardableResult
    public func expire(olderThan start: UInt64) async throws -> Int {
        let start = Int64(clamping: start)
        var count = 0
        for slice in await writer.pendingSlices() where slice.earliest < start {
            try goOn()
            let free = slice.pending.flatMap { subtract(lent[slice.id] ?? [], from: $0) }
            guard !free.isEmpty, let found = try reading(slice.id, { try $0.old(free, before: start) }) else {
                continue
            }
            let (old, earliest) = found
            if !old.isEmpty { count += try await writer.settle(slice.id, old, .expired) }
            await writer.noteEarliest(slice.id, earliest, asOf: slice.enqueued)
        }
        if count > 0 { turn += 1 }
        return count
    }

    /// Makes all that has expired pending again, moved forward by one constant so that the latest of them ends at
    /// `end`; how they lie to one another stays. The stored spans stay as they are: they are moved when they are sent,
    /// with their own times in attributes.
    ///
    /// - Parameter end: In nanoseconds since 1970, UTC.
    /// - Returns: How many.
    /// - Throws: `DatabaseError`.
    public func retime(endingAt end: UInt64) async throws -> Int {
        let slices = await writer.expiredSlices()
        held = [:]
        var latest: Int64?
        for (id, ranges) in slices {
            for range in ranges {
                // One that ends later than now has a time that cannot be, by which the others are not moved.
                let bound = Int64(clamping: end)
                if let end = try reading(id, { try $0.latestEnd(range, notAfter: bound) }) {
                    latest = max(latest ?? .min, end)
                }
            }
        }
        guard let latest else { return 0 }
        var count = 0
        for (id, _) in slices { count += try await writer.retime(id, by: Int64(clamping: end) &- latest) }
        turn += 1
        return count
    }

    /// Begins no other look at a slice: what is asked for fails with `CancellationError`. What was lent can be settled.
    public nonisolated func stop() { isStopping.withLock { $0 = true } }

    /// One sentence when spans cannot be read; nil otherwise.
    public nonisolated var notice: String? {
        let count = bad.withLock { $0.count }
        return count == 0 ? nil : "Files of the span buffer that cannot be read: \(count). Their spans wait."
    }

    private func goOn() throws {
        if isStopping.withLock({ $0 }) { throw CancellationError() }
    }

    private var heldCount: Int { held.values.reduce(0) { $0 + $1.spans.reduce(0) { $0 + $1.count } } }

    private func hold(_ page: Page, _ slice: Int64) {
        guard let earliest = page.earliestHeld else { return }
        let known = held[slice]
        held[slice] = ((known?.spans ?? []) + page.held, min(known?.earliest ?? .max, earliest))
    }

    private func forgetHeld(startingBefore time: Int64) { held = held.filter { $0.value.earliest > time } }

    /// The books of the buffer behind this.
    public func counts() async -> BufferCounts { await writer.counts() }

    /// How many wait, and whether more than is lent.
    public func pendingCount() async -> Int { await writer.pendingCount }

    /// How much the buffer has to take in.
    public func load() async -> BufferLoad { await writer.load }

    private func write(_ slice: Int64, _ spans: [ClosedRange<Int64>], _ settlement: Settlement) async {
        do {
            do {
                try await writer.settle(slice, spans, settlement)
            } catch  where BufferDatabase.isSuspicion(error) {
                // A new connection says whether it is the file.
                try await writer.settle(slice, spans, settlement)
            }
            endLoan(slice, spans)
        } catch  where BufferDatabase.isCorruption(error) {
            // They stay lent, so that they are not sent again; the next start sets the slice aside.
            passOver(slice, because: error)
        } catch {
            if unwritten.isEmpty {
                logger.error("What became of sent spans cannot be written yet", metadata: ["error": "\(error)"])
            }
            unwritten.append((slice, spans, settlement))
        }
    }

    /// Tries once more to write what became of sent spans, where the disk has not taken it.
    public func writeUnwritten() async {
        let waiting = unwritten
        unwritten = []
        for (slice, spans, settlement) in waiting { await write(slice, spans, settlement) }
    }

    private func endLoan(_ slice: Int64, _ spans: [ClosedRange<Int64>]) {
        turn += 1
        let rest = (lent[slice] ?? []).flatMap { range in
            subtract(spans, from: PendingRange(first: range.lowerBound, last: range.upperBound))
        }
        lent[slice] = rest.isEmpty ? nil : rest.map { $0.first...$0.last }
    }

    /// Nil for a slice that has gone or is bad.
    private func reading<Value>(_ id: Int64, _ body: (SliceReader) throws -> Value?) throws -> Value? {
        guard !bad.withLock({ $0.contains(id) }) else { return nil }
        func read() throws -> Value? {
            if reader?.id != id { reader = try SliceReader(id: id, path: files.slice(id)) }
            return try reader.flatMap(body)
        }
        do {
            do {
                return try read()
            } catch  where BufferDatabase.isCorruption(error) {
                // A new connection says whether it is the file.
                reader = nil
                return try read()
            } catch  where BufferDatabase.isLackOfRoom(error) && files.lacksRoom {
                // To read a file whose log has been closed is to make its index. What is sent makes room.
                files.giveUpReserve()
                reader = nil
                return try read()
            }
        } catch  where BufferDatabase.isCorruption(error) {
            passOver(id, because: error)
            return nil
        }
    }

    private func passOver(_ slice: Int64, because error: any Error) {
        logger.error("A slice cannot be read; its spans stay", metadata: ["slice": "\(slice)", "error": "\(error)"])
        bad.withLock { _ = $0.insert(slice) }
        if reader?.id == slice { reader = nil }
    }
}

/// What became of sent spans is not on disk yet.
public struct OutcomesUnwritten: Error, CustomStringConvertible {
    public var description: String { "what became of sent spans cannot be written" }
}

/// What is left of a range without the others.
private func subtract(_ others: [ClosedRange<Int64>], from range: PendingRange) -> [PendingRange] {
    var rest = [range]
    for other in others {
        rest = rest.flatMap { part -> [PendingRange] in
            guard part.first <= other.upperBound, part.last >= other.lowerBound else { return [part] }
            var (left, right) = (part, part)
            (left.last, right.first) = (other.lowerBound - 1, other.upperBound + 1)
            return [left, right].filter { $0.first <= $0.last }
        }
    }
    return rest
}
