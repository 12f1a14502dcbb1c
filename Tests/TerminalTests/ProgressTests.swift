import ConsoleAPI
import Storage
import Testing

@testable import TelemetryBuffer
@testable import Terminal

/// What `popshop sync` shows while it works, and its last line.
struct ProgressTests {
    private let plain = TerminalStyle(width: 100, colours: false, unicode: false)

    private func progress(
        orders: (pending: Int, accepted: Int),
        spans: (pending: Int, sent: Int),
        _ sync: SyncStatus? = nil
    ) -> SyncProgress {
        var counts = BufferCounts()
        (counts.pending, counts.sent) = (spans.pending, spans.sent)
        let draining = SyncStatus(
            isOnline: true,
            isSwitchedOff: false,
            orders: LaneStatus(.draining),
            spans: LaneStatus(.draining)
        )
        return SyncProgress(
            StatusMessage(
                edgeID: "",
                sync: sync ?? draining,
                orders: OutboxCounts(pending: orders.pending, accepted: orders.accepted),
                spans: counts,
                now: 0
            )
        )
    }

    @Test func `a bar a lane says what is done, how fast, and how long the rest takes`() {
        let meter = ProgressMeter(progress(orders: (200, 10), spans: (40_000, 0)), style: plain)
        let now = progress(orders: (50, 160), spans: (30_000, 10_000))
        #expect(
            meter.bars(now, after: .seconds(2)) == [
                "orders ######################........ 75 %  150 of 200, 75/s, 1 s left",
                "spans  #######....................... 25 %  10,000 of 40,000, 5,000/s, 6 s left",
            ]
        )
    }

    @Test func `what stands in the way takes the place of rate and time`() {
        let start = progress(orders: (3, 0), spans: (5, 0))
        let meter = ProgressMeter(start, style: plain)
        let stopped = SyncStatus(
            isOnline: true,
            isSwitchedOff: false,
            orders: LaneStatus(.blocked, lastError: "Run popshop migrate --upstream."),
            spans: LaneStatus(.disabled)
        )
        let now = progress(orders: (3, 0), spans: (5, 0), stopped)
        #expect(
            meter.lines(now, after: .seconds(1)) == [
                "orders 3 pending, 0 accepted, blocked: Run popshop migrate --upstream."
            ]
        )
        #expect(
            meter.account(now, after: .milliseconds(1500))
                == "orders 0 accepted, 3 still pending, in 1.50 s. orders: Run popshop migrate --upstream."
        )
    }

    @Test func `the account counts from the start, and only what waited then has to be done`() {
        let start = progress(orders: (2, 100), spans: (10, 7))
        let end = progress(orders: (1, 102), spans: (0, 17))
        let meter = ProgressMeter(start, style: plain)
        #expect(
            meter.account(end, after: .seconds(3))
                == "orders 2 accepted, 1 still pending; spans 10 sent, in 3.00 s."
        )
        #expect(end.lanes.map { end.rest(of: $0, since: start) } == [0, 0])
    }

    @Test func `a bar is never wider than the terminal`() {
        let meter = ProgressMeter(
            progress(orders: (9, 0), spans: (9, 0)),
            style: TerminalStyle(width: 40, colours: false, unicode: true)
        )
        #expect(meter.bars(progress(orders: (5, 4), spans: (9, 0)), after: .seconds(1)).allSatisfy { $0.count <= 40 })
    }
}
