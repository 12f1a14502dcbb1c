import GRDB
import Logging
import QueueExecutor
import ServiceTracing

/// Owns the buffer's files: the only one that writes them. Runs on a queue of its own, one call after the other.
actor BufferWriter {
    nonisolated let executor = QueueExecutor(label: "popshop.telemetry-buffer")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// A slice that is not written any more.
    struct SealedSlice {
        let id: Int64
        let bytes: Int
        var counters: SliceCounters
        var outcomes: SliceOutcomes
    }

    let files: BufferFiles
    let configuration: BufferConfiguration
    let queue: SpanQueue
    let clock: any TraceClock
    let logger: Logger
    let ledger: Ledger
    /// What was dropped before this process.
    private let droppedBefore: Int
    /// Oldest first.
    var sealed: [SealedSlice]
    var active: SliceWriter?
    /// A sealed slice whose outcomes are being written.
    var reopened: SliceWriter?
    /// The earliest start among a slice's pending spans, as it was found when it held so many.
    var earliest: [Int64: (start: Int64, enqueued: Int)] = [:]
    private var nextID: Int64
    /// The ledger knows of `nextID` already: its file could not be made.
    private var isCatalogued = false
    /// Taken from the queue and not yet on disk: kept through failures.
    private var batch: ArraySlice<EncodedSpan> = []
    /// How many of what the queue accepted is on disk.
    private var settled = 0
    private var lastError: String?
    private(set) var isClosed = false

    init(
        opened: BufferOpening,
        configuration: BufferConfiguration,
        queue: SpanQueue,
        clock: any TraceClock,
        logger: Logger
    ) {
        files = opened.files
        ledger = opened.ledger
        sealed = opened.sealed
        active = opened.active
        nextID = opened.nextID
        droppedBefore = opened.ledger.totals.dropped
        self.configuration = configuration
        self.queue = queue
        self.clock = clock
        self.logger = logger
    }

    /// Writes what the queue had accepted when this was called.
    ///
    /// - Throws: What SQLite says; nothing is lost then, and the next call tries again.
    func drain() throws {
        guard !isClosed else { return }
        let target = queue.accepted
        do {
            while settled < target, try writeChunk() {}
            try ledger.setDropped(droppedBefore + queue.dropped)
            lastError = nil
        } catch {
            if lastError == nil { logger.error("The span buffer cannot write", metadata: ["error": "\(error)"]) }
            lastError = String(describing: error)
            let isFull = (error as? DatabaseError)?.resultCode == .SQLITE_FULL
            if isFull || BufferDatabase.isLackOfRoom(error) && files.lacksRoom { try makeRoom() }
            throw error
        }
    }

    /// The books, and the files' size.
    func counts() -> BufferCounts {
        var slices = sealed.map(\.counters)
        if let active { slices.append(active.counters) }
        var counts = BufferCounts(totals: ledger.totals, slices: slices)
        counts.dropped = droppedBefore + queue.dropped
        counts.bytes = ([files.ledger] + files.sliceIDs().map(files.slice)).reduce(0) { $0 + files.bytes($1) }
        counts.lastError = lastError
        return counts
    }

    /// Gives up what could not be written, and closes the files. Nothing happens the second time.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        queue.close()
        giveUpWhatWaits()
        do {
            try active?.close()
            try reopened?.close()
            try ledger.setDropped(droppedBefore + queue.dropped)
            try ledger.close()
        } catch {
            logger.warning("The span buffer did not close cleanly", metadata: ["error": "\(error)"])
        }
    }

    private func giveUpWhatWaits() {
        let count = queue.held
        if batch.isEmpty { batch = queue.take()[...] }
        while !batch.isEmpty {
            queue.giveUp(batch)
            batch = queue.take()[...]
        }
        if count > 0 { logger.error("Spans could not be written before the end", metadata: ["dropped": "\(count)"]) }
    }

    /// For tests of a full disk.
    func limitActiveSlice(bytes: Int?) throws { try activeSlice().limit(bytes: bytes) }

    /// - Returns: False when nothing waits.
    private func writeChunk() throws -> Bool {
        if batch.isEmpty { batch = queue.take()[...] }
        guard !batch.isEmpty else { return false }
        let slice = try activeSlice()
        let appended: Int
        do {
            appended = try slice.append(batch)
        } catch {
            try recover(slice, from: error)
            throw error
        }
        settled += appended
        queue.release(batch.prefix(appended))
        batch = appended == batch.count ? [] : batch.dropFirst(appended)
        if !batch.isEmpty || slice.bytes >= configuration.sliceBytes { try seal() }
        try enforceBudget()
        return true
    }

    private func activeSlice() throws -> SliceWriter {
        if let active { return active }
        let id = nextID
        if !isCatalogued {
            try ledger.add(id, created: clock.wall)
            isCatalogued = true
        }
        do {
            let slice = try SliceWriter(id: id, path: files.slice(id))
            active = slice
            nextID += 1
            isCatalogued = false
            return slice
        } catch {
            // A file without its tables is nothing to read.
            files.unlink(files.slice(id))
            throw error
        }
    }

    /// The active slice is finished with; the next span begins another.
    func seal() throws {
        guard let slice = active else { return }
        // Closed first: a slice that would not close is still the active one, and still counted.
        try slice.close()
        active = nil
        let bytes = files.bytes(files.slice(slice.id))
        sealed.append(
            SealedSlice(id: slice.id, bytes: bytes, counters: slice.counters, outcomes: slice.outcomes)
        )
        try ledger.seal(slice.id, at: clock.wall, bytes: bytes, counters: slice.counters)
        // Where it was given up, and there is room again.
        files.keepReserve()
    }

    /// A bad file is set aside and the spans go into a new one; one that is only said to be bad, by a connection that the disk
    /// has failed, is opened again.
    private func recover(_ slice: SliceWriter, from error: any Error) throws {
        if BufferDatabase.isCorruption(error) {
            if BufferDatabase.isSuspicion(error), slice.mayBeSound {
                do {
                    return try slice.reopen()
                } catch  where !BufferDatabase.isCorruption(error) {
                    // It will be told when the disk can be read.
                    return
                } catch {}
            }
            try abandon(slice, because: error)
        } else if error is FileGone, files.exists(files.slices) {
            // It alone has gone. Where the folder has, too, that may be back.
            try ledger.fold(slice.id, slice.counters)
            active = nil
            try? slice.close()
        }
    }

    /// The books first: what is folded and cannot be moved is unlinked on opening.
    private func abandon(_ slice: SliceWriter, because error: any Error) throws {
        try ledger.fold(slice.id, slice.counters)
        active = nil
        try? slice.close()
        let path = try files.setAside(files.slice(slice.id), timestamp: clock.wall)
        logger.error("A slice of the span buffer was set aside", metadata: ["path": "\(path)", "error": "\(error)"])
    }

    /// A full disk gives up a slice that is delivered, never others: within its budget nothing that has not been sent is
    /// deleted for lack of room.
    private func makeRoom() throws {
        guard let delivered = sealed.first(where: { $0.counters.pending == 0 }) else { return }
        files.giveUpReserve()
        defer { files.keepReserve() }
        try drop(delivered)
    }
}

// Dropping slices.
extension BufferWriter {
    /// Delivered slices first, then the oldest; never the active one.
    func enforceBudget() throws {
        var bytes = sealed.reduce(active.map { files.bytes(files.slice($0.id)) } ?? 0) { $0 + $1.bytes }
        while bytes > configuration.maxBytes,
            let slice = sealed.first(where: { $0.counters.pending == 0 }) ?? sealed.first
        {
            try drop(slice)
            bytes -= slice.bytes
            logger.warning(
                "A slice of the span buffer was dropped to stay within its budget",
                metadata: ["slice": "\(slice.id)", "evicted": "\(slice.counters.pending)"]
            )
        }
    }

    /// In two steps that may be parted by a crash: what is folded and still there is unlinked on opening.
    private func drop(_ slice: SealedSlice) throws {
        try fold(slice)
        unlink(slice)
    }

    /// First the books, in one transaction.
    func fold(_ slice: SealedSlice) throws {
        if reopened?.id == slice.id {
            try reopened?.close()
            reopened = nil
        }
        earliest[slice.id] = nil
        try ledger.fold(slice.id, slice.counters)
        sealed.removeAll { $0.id == slice.id }
    }

    /// Then the files.
    func unlink(_ slice: SealedSlice) { files.unlink(files.slice(slice.id)) }
}
