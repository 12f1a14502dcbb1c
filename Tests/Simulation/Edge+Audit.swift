import ConsoleAPI
import SQLiteStorage
import Storage
import Sync
import TelemetryBuffer

// The product's books and files, held against what the oracles know.
extension Edge {
    /// After every step: counts only.
    func check() async {
        guard let process else { return }
        let counts = await process.buffer.counts()
        let states = [
            counts.pending, counts.sent, counts.rejected, counts.expired, counts.evicted, counts.quarantined,
        ]
        log.note("\(oracle.name) spans \(states)")
        let sentences = oracle.withState { state in
            var sentences: [String] = []
            func expect(_ range: ClosedRange<Int>, _ found: Int, _ what: String) {
                if !range.contains(found) { sentences.append("\(what): \(found) in the books, and not \(range)") }
            }
            let written = state.written.count
            expect(written...written + state.volatile.count, counts.enqueued, "spans on disk")
            let acknowledged = state.acknowledged.count
            let answered = counts.sent + counts.rejected
            expect(acknowledged - state.unfirm.count...acknowledged, answered, "answered spans")
            if answered == acknowledged {
                state.unfirm = []
                expect(state.rejected.count...state.rejected.count, counts.rejected, "rejected spans")
            }
            if states.contains(where: { $0 < 0 }) { sentences.append("a number in the books is negative: \(states)") }
            return sentences
        }
        sentences.forEach(oracle.violation)
        if traits.disk != .small, counts.evicted > 0 { oracle.violation("spans were dropped that had room") }
        if let books = try? await process.shop.outboxCounts() { orderOracle.check(books) }
    }

    /// Reads every span's state from the files.
    ///
    /// - Parameter mayHaveLost: The process was killed, or its disk failed: what it had not said to be on disk may be gone.
    /// - Returns: What has expired.
    @discardableResult
    func audit(afterRestart: Bool, mayHaveLost: Bool) async throws -> Set<UInt64>? {
        guard let process else { return nil }
        // To look into a file is to make its log, which a disk that fails would not let be made.
        if disk.isDead { return nil }
        let mode = disk.mode
        disk.mode = .sound
        defer { disk.mode = mode }
        let counts = await process.buffer.counts()
        let audit = try SliceAudit(telemetry: disk.path + "/telemetry")
        let now = Int64(clamping: clockTrue)
        let judge = oracle.withState { state in
            var judge = SpanJudge(audit: audit, now: now)
            judge.judge(&state, afterRestart: afterRestart, mayHaveLost: mayHaveLost)
            return judge
        }
        judge.sentences.sorted().forEach(oracle.violation)
        if judge.reopened > 0 { log.tally("spans whose answer a kill took", judge.reopened) }
        if audit.count(.pending) != counts.pending || audit.gone.evicted != counts.evicted {
            oracle.violation("the books say \(counts.pending) spans wait, and the files \(audit.count(.pending))")
        }
        if let settled = try? await process.shop.settledOrders(.latest(limit: 10_000)) {
            orderOracle.check(settled: settled)
        }
        return audit.expired
    }

    /// When nothing stands in the way any more, and time enough has passed.
    func checkEnd() async throws {
        guard let process else { return }
        await check()
        try await audit(afterRestart: false, mayHaveLost: false)
        let counts = await process.buffer.counts()
        log.tally("spans recorded", counts.enqueued)
        log.tally("spans sent", counts.sent)
        log.tally("spans rejected", counts.rejected)
        log.tally("spans expired", counts.expired)
        log.tally("spans evicted", counts.evicted)
        log.tally("spans quarantined", counts.quarantined)
        if counts.pending > 0 {
            let status = await process.spans.status()
            oracle.violation("\(counts.pending) spans are still pending: \(status.state), \(status.lastError ?? "")")
        }
        // What was dropped while it was on its way has no place left for its answer.
        if counts.evicted == 0, oracle.withState({ !$0.unfirm.isEmpty }) {
            oracle.violation("an answer is still not on disk")
        }
        orderOracle.checkEnd(try await process.shop.outboxCounts())
    }
}

/// Compares what is written of each span with what must be.
struct SpanJudge {
    let audit: SliceAudit
    /// True nanoseconds since 1970.
    let now: Int64
    private(set) var sentences: Set<String> = []
    /// Spans whose answer was received and is not on disk, the process having ended between the two.
    private(set) var reopened = 0

    init(audit: SliceAudit, now: Int64) { (self.audit, self.now) = (audit, now) }

    /// A day less the lane's margin, and what clocks may differ by unnoticed: by one that was set, and by one that was
    /// measured, 300 s each.
    private static let expiry: Int64 = (86_400 - 300 - 600) * 1_000_000_000

    mutating func judge(_ state: inout SpanOracle.State, afterRestart: Bool, mayHaveLost: Bool) {
        if audit.doubled > 0 { sentences.insert("\(audit.doubled) spans are on disk twice") }
        for (id, found) in audit.states { judge(id, found, &state, afterRestart) }
        if afterRestart { resolveVolatile(&state, mayHaveLost) }
        let missing = state.written.count { audit.states[$0] == nil }
        if missing != audit.gone.all {
            sentences.insert("\(missing) spans are not on disk any more, and the ledger has \(audit.gone.all) such")
        }
        let owed = state.written.count {
            audit.states[$0] == nil && !state.acknowledged.contains($0) && !state.settled.contains($0)
        }
        if audit.gone.evicted > owed + state.unfirm.count + state.moved.count {
            sentences.insert("\(audit.gone.evicted) spans count as evicted, and \(owed) are gone unsent")
        }
    }

    private mutating func judge(
        _ id: UInt64,
        _ found: SliceAudit.State,
        _ state: inout SpanOracle.State,
        _ afterRestart: Bool
    ) {
        guard let known = state.recorded[id] else {
            sentences.insert("a span is on disk that nobody has recorded")
            return
        }
        let isAcknowledged = state.acknowledged.contains(id)
        switch found {
        case .answered:
            if !isAcknowledged { sentences.insert("a span counts as sent that the backend has not acknowledged") }
        case .pending:
            guard isAcknowledged else { return }
            if !state.unfirm.contains(id) {
                sentences.insert("a span waits again although its answer was written down")
            } else if afterRestart {
                reopened += 1
                state.acknowledged.remove(id)
                state.unfirm.remove(id)
                state.rejected.remove(id)
            }
        case .expired:
            state.settled.insert(id)
            if !state.moved.contains(id), now - Int64(known.span.start) < Self.expiry {
                sentences.insert("a span has expired that is not too old")
            }
            if isAcknowledged { sentences.insert("a span has expired that was acknowledged") }
        case .quarantined:
            state.settled.insert(id)
            if ![.malformed, .tooLarge].contains(known.nature) {
                sentences.insert("a span was quarantined that nothing is wrong with")
            }
            if isAcknowledged { sentences.insert("a span was quarantined that was acknowledged") }
        }
    }

    private mutating func resolveVolatile(_ state: inout SpanOracle.State, _ mayHaveLost: Bool) {
        for id in state.volatile {
            if audit.states[id] != nil {
                state.written.insert(id)
            } else if mayHaveLost {
                state.recorded[id] = nil
            } else {
                sentences.insert("a span is gone that an orderly end should have written")
            }
        }
        state.volatile = []
    }
}
