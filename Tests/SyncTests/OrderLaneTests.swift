import Commerce
import ConsoleAPI
import ServiceTracing
import Storage
import TestSupport
import Testing

@testable import Sync

@Suite struct OrderLaneTests {
    @Test func `orders go in the order in which they were placed, a few first and then many at a time`() async throws {
        let bench = OrderBench { ($0.probe, $0.batch) = (20, 500) }
        let ids = bench.place(1_100)
        #expect(await bench.lane.round())
        #expect(bench.upstream.batches.map(\.count) == [20, 40, 80, 160, 320, 480])
        #expect(bench.upstream.batches.joined().elementsEqual(ids))
        #expect(bench.outbox.settled.map(\.id) == ids)
        let counts = bench.outbox.outboxCounts()
        #expect(counts.balances && counts.accepted == 1_100)
        #expect(await bench.lane.status() == LaneStatus(.idle))
    }

    @Test func `an order that cannot be taken holds up none behind it, and the status says why`() async throws {
        let bench = OrderBench()
        let ids = bench.place(30)
        let ends: [OrderID: OrderOutcome] = [
            ids[3]: .rejected(reason: "The upstream has no product 99."), ids[7]: .backordered,
            ids[9]: .quarantined(reason: "Another payload."),
        ]
        bench.upstream.script { ends[$0.id] ?? .accepted }
        await bench.lane.round()
        let counts = bench.outbox.outboxCounts()
        #expect(counts.balances && counts.pending == 0)
        #expect([counts.accepted, counts.backordered, counts.rejected, counts.quarantined] == [27, 1, 1, 1])
        let status = await bench.lane.status()
        #expect(status.state == .idle && status.lastError == "Order \(ids[9]) was quarantined: Another payload.")
    }

    @Test func `an order that the upstream will not have now waits, the others go, and the status names it`()
        async throws
    {
        let bench = OrderBench { ($0.probe, $0.batch) = (10, 10) }
        let ids = bench.place(35)
        bench.upstream.script { if $0.id == ids[4] { throw ScriptedUpstream.NotThisOne() } else { .accepted } }
        await bench.lane.round()
        let counts = bench.outbox.outboxCounts()
        #expect(counts.balances && counts.accepted == 34 && counts.pending == 1)
        let status = await bench.lane.status()
        #expect(status.state == .backingOff && status.lastError == "Order \(ids[4]) cannot be pushed now: Odd.")
        bench.place(12)
        bench.clock.advance(.seconds(60))
        await bench.lane.round()
        #expect(bench.outbox.outboxCounts().accepted == 46 && bench.outbox.outboxCounts().pending == 1)
        bench.upstream.script { _ in .accepted }
        bench.clock.advance(.seconds(60))
        await bench.lane.round()
        #expect(
            bench.outbox.outboxCounts().accepted == 47
                && bench.spans.named("push order").count { $0.failure == "Odd." } > 1
        )
    }

    @Test(arguments: [1, 19, 20, 25, 130, 700])
    func `orders that are stuck, however many, hold up none behind them`(count: Int) async throws {
        let bench = OrderBench { ($0.probe, $0.batch) = (20, 500) }
        let stuck = Set(bench.place(count))
        let others = bench.place(300)
        bench.upstream.script { order in
            if stuck.contains(order.id) { throw ScriptedUpstream.NotThisOne() }
            return .accepted
        }
        // Twenty-five batches of which nothing is taken end a round.
        for _ in 0...count / 500 {
            await bench.lane.round()
            bench.clock.advance(.seconds(60))
        }
        #expect(bench.outbox.settled.map(\.id) == others)
        #expect(await bench.lane.status().state == .backingOff)
        // What comes now waits for no back-off of theirs.
        await bench.lane.round()
        let later = bench.place(30)
        await bench.lane.round()
        #expect(bench.outbox.settled.map(\.id) == others + later)
        bench.upstream.script { _ in .accepted }
        bench.clock.advance(.seconds(60))
        await bench.lane.round()
        #expect(bench.outbox.outboxCounts().pending == 0)
        #expect(await bench.lane.status().state == .idle)
        #expect(bench.upstream.receipts.count == count + 330)
    }

    @Test func `a server that refuses one after the other is not asked for all that wait`() async throws {
        let bench = OrderBench { ($0.probe, $0.batch) = (20, 500) }
        bench.place(5_000)
        bench.upstream.script { _ in throw ScriptedUpstream.NotThisOne() }
        await bench.lane.round()
        #expect(bench.upstream.batches.joined().count <= 2_000)
        #expect(await bench.lane.status().state == .backingOff)
        bench.upstream.script { _ in .accepted }
        bench.clock.advance(.seconds(60))
        await bench.lane.round()
        #expect(bench.outbox.outboxCounts().accepted == 5_000)
    }

    @Test func `a lone order that the upstream will not have now is tried with a back-off that grows`() async throws {
        let bench = OrderBench()
        bench.place(1)
        bench.upstream.script { _ in throw ScriptedUpstream.NotThisOne() }
        for _ in 0..<3_600 {
            bench.clock.advance(.seconds(1))
            await bench.lane.round()
        }
        // Half a minute is the mean wait at the cap.
        #expect((60...240).contains(bench.upstream.batches.count), "\(bench.upstream.batches.count)")
        #expect(bench.outbox.outboxCounts().pending == 1)
    }

    @Test func `a line that cannot carry large batches gets smaller ones`() async throws {
        let bench = OrderBench { ($0.probe, $0.batch) = (20, 500) }
        bench.place(2_000)
        let upstream = bench.upstream
        // Each batch is known by its size when its first order is asked for.
        bench.upstream.script { _ in
            if upstream.lastSize > 100 { throw OrderUpstreamError.busy }
            return .accepted
        }
        var failures = 0
        while bench.outbox.outboxCounts().pending > 0 {
            await bench.lane.round()
            if await bench.lane.status().state == .backingOff { failures += 1 }
            bench.clock.advance(.seconds(60))
        }
        #expect(bench.outbox.outboxCounts().accepted == 2_000)
        #expect(failures < 12, "\(failures)")
    }

    @Test func `what does not read is quarantined without being pushed`() async throws {
        let bench = OrderBench()
        let unreadable = OrderBench.order().id
        bench.place(2)
        bench.outbox.add([PendingOrder(id: unreadable, order: nil)])
        bench.place(2)
        await bench.lane.round()
        #expect(bench.upstream.receipts.count == 4 && bench.upstream.receipts[unreadable] == nil)
        #expect(
            bench.outbox.settled.map(\.outcome.name) == ["accepted", "accepted", "quarantined", "accepted", "accepted"]
        )
    }

    @Test func `an upstream that is away costs one try a back-off, and deletes nothing in 72 hours`() async throws {
        let bench = OrderBench()
        bench.place(50)
        bench.upstream.script { _ in throw OrderUpstreamError.away }
        for _ in 0..<72 * 360 {
            bench.clock.advance(.seconds(10))
            await bench.lane.round()
        }
        // The mean wait is half the cap of a minute, and the lane looks every ten seconds.
        #expect((5_000...12_000).contains(bench.upstream.batches.count), "\(bench.upstream.batches.count)")
        #expect(bench.outbox.outboxCounts().pending == 50)
        #expect(await bench.lane.status().state == .offline)
        bench.upstream.script { _ in .accepted }
        await bench.lane.tryNow()
        #expect(await bench.lane.round())
        #expect(bench.outbox.outboxCounts().accepted == 50)
    }

    @Test func `what needs a person blocks, is looked at again at the cap with a few orders, and goes on by itself`()
        async throws
    {
        let bench = OrderBench { ($0.probe, $0.backOffCap) = (5, .seconds(60)) }
        bench.place(100)
        bench.upstream.script { _ in throw OrderUpstreamError.refused }
        await bench.lane.round()
        let status = await bench.lane.status()
        #expect(status.state == .blocked && status.lastError == "The upstream refuses the password.")
        #expect(status.nextAttempt == .seconds(60))
        bench.upstream.script { _ in .accepted }
        bench.clock.advance(.seconds(59))
        await bench.lane.round()
        #expect(bench.upstream.batches.count == 1)
        bench.clock.advance(.seconds(1))
        await bench.lane.round()
        #expect(bench.upstream.batches[1].count == 5)
        #expect(bench.outbox.outboxCounts().accepted == 100)
    }

    @Test(arguments: [OrderUpstreamError.busy, .away])
    func `what passes by itself is told, and trying now ends its back-off`(error: OrderUpstreamError) async throws {
        let bench = OrderBench { ($0.backOffBase, $0.backOffCap) = (.seconds(3_600), .seconds(3_600)) }
        bench.place(3)
        bench.upstream.script { _ in throw error }
        await bench.lane.round()
        let status = await bench.lane.status()
        #expect(status.state == (error == .away ? .offline : .backingOff))
        #expect(status.lastError == error.description && status.nextAttempt ?? .zero > .zero)
        await bench.lane.round()
        #expect(bench.upstream.batches.count == 1)
        bench.upstream.script { _ in .accepted }
        await bench.lane.tryNow()
        await bench.lane.round()
        #expect(bench.outbox.outboxCounts().accepted == 3)
    }

    @Test(arguments: [StorageError(.diskFull, "full"), StorageError(.unavailable, "gone")])
    func `an answer that cannot be written down is asked for again, and has its effect once`(error: StorageError)
        async throws
    {
        let bench = OrderBench()
        let ids = bench.place(10)
        bench.outbox.failSettling(error)
        await bench.lane.round()
        #expect(bench.outbox.outboxCounts().pending == 10 && bench.upstream.receipts.count == 10)
        let status = await bench.lane.status()
        #expect(status.state == .backingOff && status.lastError?.contains("SQL") == false)
        bench.clock.advance(.seconds(60))
        bench.upstream.script { _ in .backordered }
        await bench.lane.round()
        #expect(bench.upstream.batches.count == 2)
        #expect(bench.outbox.settled.map(\.id) == ids && bench.outbox.outboxCounts().accepted == 10)
    }

    @Test func `each push is a trace of its own, in which each order is linked to its purchase`() async throws {
        let bench = OrderBench()
        let purchase = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let linked = bench.place(1, traceParent: purchase)[0]
        bench.place(1, traceParent: "nonsense")
        await bench.lane.round()
        let push = try #require(bench.spans.named("push orders").first)
        #expect(push.parentSpanID == nil && push.int("popshop.batch.size") == 2)
        #expect(push.int("popshop.orders.accepted") == 2)
        let orders = bench.spans.named("push order")
        #expect(orders.allSatisfy { $0.parentSpanID == push.context.spanID } && orders.count == 2)
        let span = try #require(orders.first { $0.text("checkout.order_id") == linked.description })
        #expect(span.links.map(\.context.traceID.description) == ["0af7651916cd43dd8448eb211c80319c"])
        #expect(span.text("popshop.order.outcome") == "accepted" && span.failure == nil)
        #expect(bench.outbox.settled[0].traceParent == span.context.traceParent)
        #expect(orders.count { $0.links.isEmpty } == 1)
    }

    @Test func `a push that fails is a failed span, and an order that is refused is one too`() async throws {
        let bench = OrderBench()
        bench.place(1)
        bench.upstream.script { _ in throw OrderUpstreamError.busy }
        await bench.lane.round()
        #expect(bench.spans.named("push orders").map(\.failure) == ["The upstream is busy."])
        bench.upstream.script { _ in .rejected(reason: "No such product.") }
        bench.clock.advance(.seconds(60))
        await bench.lane.round()
        #expect(bench.spans.named("push order").map(\.failure) == ["No such product."])
    }

    @Test func `with nothing to push there is no connection and no span`() async throws {
        let bench = OrderBench()
        for _ in 0..<100 { #expect(await bench.lane.round() == false) }
        #expect(bench.upstream.connects == 0 && bench.spans.spans.isEmpty && bench.outbox.looks == 100)
    }

    @Test func `switched off nothing is pushed nor tried; switched on it goes on at once`() async throws {
        let bench = OrderBench(isSwitchedOff: true)
        bench.place(5)
        await bench.lane.tryNow()
        await bench.lane.round()
        #expect(await bench.lane.status() == LaneStatus(.offline))
        #expect(bench.upstream.connects == 0 && bench.outbox.looks == 0)
        await bench.lane.setSwitchedOff(false)
        await bench.lane.round()
        #expect(bench.outbox.outboxCounts().accepted == 5)
    }

    @Test func `stopped, it begins no other batch`() async throws {
        let bench = OrderBench { ($0.probe, $0.batch) = (5, 5) }
        bench.place(50)
        let lane = bench.lane
        bench.upstream.script { _ in
            lane.stop()
            return .accepted
        }
        await bench.lane.round()
        await bench.lane.round()
        #expect(bench.upstream.batches.count == 1 && bench.outbox.outboxCounts().pending == 45)
    }
}
