import GRDB
public import ServiceTracing

/// How far a trace's spans have come on their way upstream.
public struct TraceDelivery: Hashable, Sendable {
    public internal(set) var pending = 0
    /// Taken by the upstream, or answered with a refusal of some of them.
    public internal(set) var answered = 0
    public internal(set) var expired = 0
    public internal(set) var quarantined = 0
    /// When the first of them started, in nanoseconds since 1970, UTC; nil when none is known.
    public internal(set) var start: UInt64?

    mutating func add(_ state: OutcomeRange.State?, start: UInt64) {
        self.start = min(self.start ?? start, start)
        switch state {
        case nil, .pending: pending += 1
        case .answered: answered += 1
        case .expired: expired += 1
        case .quarantined: quarantined += 1
        }
    }
}

/// Spans that the upstream does not have and will not get, and why.
public struct SpanLoss: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case rejected, expired, quarantined
    }

    public let kind: Kind
    public internal(set) var count: Int
    /// One sentence.
    public let reason: String
    /// The latest, in nanoseconds since 1970, UTC.
    public internal(set) var time: UInt64
}

private struct Reason: Hashable {
    let kind: SpanLoss.Kind
    let text: String
}

extension TraceReader {
    /// What became of a trace's spans; all zeros when it is not known.
    ///
    /// - Throws: `DatabaseError`.
    public func delivery(of id: TraceID) async throws -> TraceDelivery {
        try await inView { view in
            var delivery = TraceDelivery()
            for slice in try view.slices(with: id) { try slice.count(id, into: &delivery) }
            return delivery
        }
    }

    /// What was lost, the latest reason first; spans that were lost for one reason are one.
    ///
    /// - Throws: `DatabaseError`.
    public func losses() async throws -> [SpanLoss] {
        try await overSlices { slices in
            var losses: [Reason: SpanLoss] = [:]
            for range in try slices.flatMap({ try $0.outcomes().ranges }) {
                guard let loss = SpanLoss(range) else { continue }
                losses[Reason(kind: loss.kind, text: loss.reason), default: loss.none].merge(loss)
            }
            return losses.values.sorted { ($0.time, $0.reason) > ($1.time, $1.reason) }
        }
    }
}

extension SpanLoss.Kind {
    /// Where nothing more is known.
    fileprivate var sentence: String {
        switch self {
        case .rejected: "The backend gave no reason."
        case .expired: "They were older than the backend takes."
        case .quarantined: "The backend cannot read them."
        }
    }
}

extension SpanLoss {
    fileprivate init?(_ range: OutcomeRange) {
        let (kind, count): (Kind, Int)
        switch range.state {
        case .expired: (kind, count) = (.expired, range.count)
        case .quarantined: (kind, count) = (.quarantined, range.count)
        case .answered where range.rejected > 0: (kind, count) = (.rejected, range.rejected)
        case .answered, .pending: return nil
        }
        let reason = range.reason.isEmpty ? kind.sentence : range.reason
        self.init(kind: kind, count: count, reason: reason, time: UInt64(clamping: range.at))
    }

    /// The same reason before anything was lost for it.
    fileprivate var none: SpanLoss { SpanLoss(kind: kind, count: 0, reason: reason, time: 0) }

    fileprivate mutating func merge(_ other: SpanLoss) {
        count += other.count
        time = max(time, other.time)
    }
}

extension SliceReader {
    /// A slice that no writer has opened since that table came to be has none, and nothing in it was settled.
    fileprivate func outcomes() throws -> SliceOutcomes {
        try read { db in try db.tableExists("outcomes") ? SliceOutcomes.read(db) : SliceOutcomes() }
    }

    fileprivate func count(_ id: TraceID, into delivery: inout TraceDelivery) throws {
        let spans = try read { db in
            let sql = """
                SELECT seq, spans.start_ns FROM traces
                JOIN spans ON seq BETWEEN first_seq AND last_seq AND spans.trace_id = traces.trace_id
                WHERE \(conditions.isTrace)
                """
            return try Row.fetchAll(db, sql: sql, arguments: [DataBytes(bytes: id.bytes)])
        }
        guard !spans.isEmpty else { return }
        let ranges = try outcomes().ranges
        for span in spans {
            let (position, start): (Int64, Int64) = try (span.decode(atIndex: 0), span.decode(atIndex: 1))
            let state = ranges.first { $0.first <= position && position <= $0.last }?.state
            delivery.add(state, start: UInt64(clamping: start))
        }
    }
}
