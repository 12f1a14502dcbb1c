// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Storage
public import TelemetryBuffer

/// `GET /api/status`: the ledger of both lanes. What is not known is `null`, and never left out.
public struct StatusMessage: Codable, Hashable, Sendable {
    /// The uplink.
    public struct Network: Codable, Hashable, Sendable {
        /// Whether the upstream can be reached, as far as known.
        public var online: Bool
        /// Whether a person has pulled the plug.
        public var switched_off: Bool
    }

    /// The name of this shop upstream; empty before its database was made.
    public var edge_id: String
    public var network: Network
    public var orders: OrdersLane
    public var spans: SpansLane

    /// - Parameter now: Nanoseconds since 1970, UTC: what ages are measured against.
    public init(edgeID: String, sync: SyncStatus, orders: OutboxCounts, spans: BufferCounts, now: UInt64) {
        edge_id = edgeID
        network = Network(online: sync.isOnline, switched_off: sync.isSwitchedOff)
        self.orders = OrdersLane(sync.orders, orders, now: now)
        self.spans = SpansLane(sync.spans, spans, now: now)
    }
}

/// The orders' lane: `enqueued = pending + accepted + backordered + rejected + quarantined`, always.
public struct OrdersLane: Codable, Hashable, Sendable {
    public var state: LaneState
    public var enqueued: Int
    public var pending: Int
    public var accepted: Int
    public var backordered: Int
    public var rejected: Int
    public var quarantined: Int
    /// Of the oldest pending one.
    public var oldest_age_seconds: Double?
    public var last_error: String?
    public var next_attempt_in_seconds: Double?

    public init(_ lane: LaneStatus, _ counts: OutboxCounts, now: UInt64) {
        state = lane.state
        enqueued = counts.enqueued
        pending = counts.pending
        accepted = counts.accepted
        backordered = counts.backordered
        rejected = counts.rejected
        quarantined = counts.quarantined
        oldest_age_seconds = counts.oldestPending.map { age(ofNanoseconds: UInt64(clamping: $0) * 1_000_000, now) }
        last_error = lane.lastError
        next_attempt_in_seconds = lane.nextAttempt.map(seconds)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state, forKey: .state)
        try container.encode(enqueued, forKey: .enqueued)
        try container.encode(pending, forKey: .pending)
        try container.encode(accepted, forKey: .accepted)
        try container.encode(backordered, forKey: .backordered)
        try container.encode(rejected, forKey: .rejected)
        try container.encode(quarantined, forKey: .quarantined)
        try container.encode(oldest_age_seconds, forKey: .oldest_age_seconds)
        try container.encode(last_error, forKey: .last_error)
        try container.encode(next_attempt_in_seconds, forKey: .next_attempt_in_seconds)
    }
}

/// The spans' lane: `enqueued = pending + sent + rejected + expired + evicted + quarantined`, always.
public struct SpansLane: Codable, Hashable, Sendable {
    public var state: LaneState
    public var enqueued: Int
    public var pending: Int
    public var sent: Int
    public var rejected: Int
    public var expired: Int
    public var evicted: Int
    public var quarantined: Int
    /// Never reached the buffer; not among the enqueued.
    public var dropped: Int
    /// The buffer's files.
    public var bytes: Int
    /// Of the oldest pending one.
    public var oldest_age_seconds: Double?
    public var last_error: String?
    public var next_attempt_in_seconds: Double?

    public init(_ lane: LaneStatus, _ counts: BufferCounts, now: UInt64) {
        state = lane.state
        enqueued = counts.enqueued
        pending = counts.pending
        sent = counts.sent
        rejected = counts.rejected
        expired = counts.expired
        evicted = counts.evicted
        quarantined = counts.quarantined
        dropped = counts.dropped
        bytes = counts.bytes
        oldest_age_seconds = counts.oldestPendingTime.map { age(ofNanoseconds: $0, now) }
        // A buffer that cannot write loses spans now; a lane that cannot send does not.
        last_error = counts.lastError.map(Self.sentence) ?? lane.lastError
        next_attempt_in_seconds = lane.nextAttempt.map(seconds)
    }

    /// The engine's own words have SQL and paths in them, which no answer shows.
    private static func sentence(_ error: String) -> String {
        error.contains("SQLite error 13")
            ? "The disk is full: new spans wait in memory, and are dropped when there are too many."
            : "The span buffer cannot write to its disk: new spans wait in memory, and are dropped when there are too many."
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state, forKey: .state)
        try container.encode(enqueued, forKey: .enqueued)
        try container.encode(pending, forKey: .pending)
        try container.encode(sent, forKey: .sent)
        try container.encode(rejected, forKey: .rejected)
        try container.encode(expired, forKey: .expired)
        try container.encode(evicted, forKey: .evicted)
        try container.encode(quarantined, forKey: .quarantined)
        try container.encode(dropped, forKey: .dropped)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(oldest_age_seconds, forKey: .oldest_age_seconds)
        try container.encode(last_error, forKey: .last_error)
        try container.encode(next_attempt_in_seconds, forKey: .next_attempt_in_seconds)
    }
}

/// Seconds to the tenth; a time in the future, which a clock that was set back makes, is no age.
private func age(ofNanoseconds time: UInt64, _ now: UInt64) -> Double {
    now > time ? (Double(now - time) / 1e8).rounded() / 10 : 0
}

private func seconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return max(0, ((Double(seconds) + Double(attoseconds) / 1e18) * 10).rounded() / 10)
}
