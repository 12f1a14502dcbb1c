/// The books of a span buffer: `enqueued = pending + sent + rejected + expired + evicted + quarantined`, always.
///
/// They belong to the data directory: they survive restarts and the removal of rows.
public struct BufferCounts: Hashable, Sendable {
    /// On disk and neither sent nor given up.
    public var pending = 0
    public var sent = 0
    /// Refused by the backend, for good.
    public var rejected = 0
    /// Too old to be sent.
    public var expired = 0
    /// Dropped with their slice before they were sent.
    public var evicted = 0
    /// Could not be sent one by one either.
    public var quarantined = 0
    /// Never reached the disk: the queue in front of it was full.
    public var dropped = 0
    /// The buffer's files, in bytes.
    public var bytes = 0
    /// The start of the first pending span, in the order of their writing, in nanoseconds since 1970, UTC.
    public var oldestPendingTime: UInt64?
    /// Why the last write failed; nil since one succeeded.
    public var lastError: String?

    /// All that ever reached the disk.
    public var enqueued: Int { pending + sent + rejected + expired + evicted + quarantined }

    init(totals: LedgerTotals = LedgerTotals(), slices: some Sequence<SliceCounters> = []) {
        sent = totals.sent
        rejected = totals.rejected
        expired = totals.expired
        evicted = totals.evicted
        quarantined = totals.quarantined
        dropped = totals.dropped
        for slice in slices { add(slice) }
    }

    private mutating func add(_ slice: SliceCounters) {
        pending += slice.pending
        sent += slice.sent
        rejected += slice.rejected
        expired += slice.expired
        quarantined += slice.quarantined
        if slice.pending > 0, let first = slice.oldestPending {
            oldestPendingTime = min(oldestPendingTime ?? .max, UInt64(clamping: first))
        }
    }
}

/// How much a buffer has to take in.
public struct BufferLoad: Hashable, Sendable {
    /// Spans accepted since the process began.
    public var recorded: Int
    /// Whether what waits to be sent takes more than half of the disk budget.
    public var isFilling: Bool

    public init(recorded: Int, isFilling: Bool) {
        self.recorded = recorded
        self.isFilling = isFilling
    }
}

/// What the buffer found when it opened.
public struct OpenReport: Hashable, Sendable {
    /// A file that could not be used, moved out of the way and kept.
    public struct SetAside: Hashable, Sendable {
        /// Where it is now.
        public let path: String
        /// What was wrong with it.
        public let reason: String
    }

    public internal(set) var setAside: [SetAside] = []
    /// The ledger was lost and made anew from the slices: what became of spans in slices that are gone is not known.
    public internal(set) var rebuiltLedger = false
}
