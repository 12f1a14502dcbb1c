import ConsoleAPI
import ServiceTracing
import Storage
import Testing

@testable import TelemetryBuffer
@testable import Terminal

@Suite("The list of traces")
struct TraceTableTests {
    private func trace(
        _ number: UInt64,
        start: UInt64 = noon,
        name: String = "GET /products",
        service: String = "product-catalog",
        errors: Int = 0,
        duration: UInt64 = 12_300_000
    ) throws -> TraceSummary {
        TraceSummary(
            traceID: try #require(TraceID(high: number << 32, low: 7)),
            rootName: name,
            rootService: service,
            startTime: start,
            endTime: start + duration,
            spanCount: 18,
            errorCount: errors,
            services: ["a", "b", "c"],
            isRooted: true
        )
    }

    private func render(_ traces: [TraceSummary], _ style: TerminalStyle = plain) -> String {
        TraceTable.render(traces, now: noon, style: style, clock: .utc)
    }

    @Test("No line is wider than the terminal, and the columns stand below each other", arguments: [20, 80, 100, 160])
    func fits(width: Int) throws {
        let style = TerminalStyle(width: width, colours: true, unicode: true)
        let traces = [
            try trace(1), try trace(2, name: String(repeating: "very long ", count: 30), errors: 1),
            try trace(3, name: "商品\u{1b}[2J", service: String(repeating: "service", count: 9), duration: 1 << 60),
        ]
        let rows = lines(bare(render(traces, style)))
        #expect(rows.allSatisfy { Cells.width($0) <= width })
        if width >= 80 { #expect(rows.prefix(4).allSatisfy { Cells.width($0) == width }) }
        #expect(!bare(render(traces, style)).contains("\u{1b}"))
    }

    @Test("A row has the time, the id's beginning, the root, and a mark where something failed")
    func row() throws {
        let rows = lines(render([try trace(0xabcd_1234, errors: 2)]))
        let row = try #require(rows.dropFirst().first)
        #expect(row.hasPrefix("✗ 20:03:11  abcd123400000000  product-catalog: GET /products"))
        #expect(row.hasSuffix(" 12.3 ms     18         3"))
        #expect(rows.last == "See one with popshop traces show abcd123400000000")
    }

    @Test("Traces of another day stand below its date")
    func days() throws {
        let day: UInt64 = 86_400_000_000_000
        let rows = lines(render([try trace(1), try trace(2, start: noon - day), try trace(3, start: noon - day)]))
        #expect(rows.filter { $0 == "2026-11-21" }.count == 1)
        #expect(rows.firstIndex(of: "2026-11-21") == 2)
    }

    @Test("Where a filter lets nothing through, nobody is told to start the shop")
    func filtered() {
        let style = TerminalStyle(width: 80, colours: false, unicode: true)
        let text = TraceTable.render([], now: 0, style: style, isFiltered: true)
        #expect(text == "No trace fits.")
    }

    @Test("Without traces it says what to do")
    func empty() {
        #expect(render([]).contains("popshop demo"))
    }
}

@Suite("The status in words")
struct StatusTextTests {
    private func status(
        orders: LaneStatus = LaneStatus(.disabled),
        spans: LaneStatus = LaneStatus(.disabled),
        isSwitchedOff: Bool = false,
        _ outbox: OutboxCounts = OutboxCounts(),
        _ buffer: BufferCounts = BufferCounts()
    ) -> StatusMessage {
        StatusMessage(
            edgeID: "8f14e45fceea167a5a36dedd4bea2543",
            sync: SyncStatus(isOnline: !isSwitchedOff, isSwitchedOff: isSwitchedOff, orders: orders, spans: spans),
            orders: outbox,
            spans: buffer,
            now: noon
        )
    }

    private var busy: StatusMessage {
        var buffer = BufferCounts()
        (buffer.pending, buffer.sent, buffer.expired, buffer.dropped) = (1_204, 56_000, 12, 3)
        (buffer.bytes, buffer.oldestPendingTime) = (3_565_158, noon - 180_000_000_000)
        return status(
            orders: LaneStatus(.blocked, lastError: "The upstream refused the password of popshop."),
            spans: LaneStatus(.backingOff, lastError: "Connection refused.", nextAttempt: .seconds(12)),
            OutboxCounts(
                enqueued: 14,
                pending: 3,
                accepted: 10,
                rejected: 1,
                oldestPending: Int64(noon / 1_000_000) - 4_000_000
            ),
            buffer
        )
    }

    @Test("It says what waits, for how long, that the books balance, and what to do")
    func words() {
        let text = StatusText.render(busy, style: plain)
        #expect(text.contains("orders  blocked: 3 orders waiting, the oldest for 1 h 6 min"))
        #expect(text.contains("14 enqueued = 3 pending + 10 accepted + 1 rejected"))
        #expect(text.contains("spans   will try again: 1,204 spans waiting, the oldest for 3 min, next try in 12 s"))
        #expect(text.contains("57,216 enqueued = 1,204 pending + 56,000 sent + 12 expired"))
        #expect(text.contains("3.4 MiB on disk"))
        #expect(text.contains("--retime"))
        #expect(!text.contains("add up"))
    }

    @Test("Books that do not balance are shouted about")
    func imbalance() {
        #expect(
            StatusText.render(status(OutboxCounts(enqueued: 2, pending: 1)), style: plain).contains("do not add up")
        )
    }

    @Test("Every state has words, and says what a person can do", arguments: LaneState.allCases, [false, true])
    func states(state: LaneState, isSwitchedOff: Bool) {
        let lane = LaneStatus(state, lastError: state == .blocked ? "Refused." : nil)
        let text = StatusText.render(status(orders: lane, spans: lane, isSwitchedOff: isSwitchedOff), style: plain)
        #expect(text.contains("→") == [.disabled, .offline, .blocked].contains(state))
        #expect(text.contains("switched off") == isSwitchedOff)
    }

    @Test("No line is wider than the terminal", arguments: [20, 40, 80, 100, 160])
    func fits(width: Int) {
        let text = StatusText.render(busy, style: TerminalStyle(width: width, colours: true, unicode: true))
        #expect(lines(text).allSatisfy { Cells.width(bare($0)) <= width })
    }

    @Test("An upstream's words reach the terminal as words only")
    func injection() {
        let text = StatusText.render(
            status(orders: LaneStatus(.blocked, lastError: "\u{1b}[2J gone")),
            style: plain
        )
        #expect(!text.contains("\u{1b}"))
    }
}
