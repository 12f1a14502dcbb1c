import ConsoleAPI
import HTTPClient
import ServiceLifecycle
import ServiceLifecycleTestKit
import Storage
import Synchronization
import TelemetryBuffer
import Testing

@testable import OTLP
@testable import Sync

/// The daemon with both lanes. What a test waits for is a condition; a lane that would never meet it hangs, and fails.
@Suite(.timeLimit(.minutes(15))) struct DaemonTests {
    private static var often: SyncDaemon.Intervals {
        var intervals = SyncDaemon.Intervals()
        (intervals.orders, intervals.spans, intervals.settling) = (.milliseconds(1), .milliseconds(1), .milliseconds(1))
        return intervals
    }

    /// Only what wakes a lane, and never the time, makes it look again.
    private static var never: SyncDaemon.Intervals {
        var intervals = SyncDaemon.Intervals()
        (intervals.orders, intervals.spans, intervals.settling) = (.seconds(86_400), .seconds(86_400), .milliseconds(1))
        return intervals
    }

    private func run(_ daemon: SyncDaemon, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await testGracefulShutdown { trigger in
            async let running: Void = daemon.run()
            do { try await body() } catch {
                trigger.triggerGracefulShutdown()
                await running
                throw error
            }
            trigger.triggerGracefulShutdown()
            await running
        }
    }

    @Test func `both lanes send what comes, stay quiet while switched off, and end when they are told to`() async throws
    {
        let (spans, orders) = (try Bench(), OrderBench())
        let daemon = SyncDaemon(orders: orders.lane, spans: spans.lane, intervals: Self.often)
        try await run(daemon) {
            try await spans.record(1...10)
            orders.place(10)
            await Events.until { spans.ingress.accepted.count == 10 && orders.upstream.receipts.count == 10 }
            await daemon.setSwitchedOff(true)
            let off = await daemon.status()
            #expect(off.isSwitchedOff && !off.isOnline)
            #expect(off.spans.state == .offline && off.orders.state == .offline)
            try await spans.record(11...20)
            orders.place(10)
            await daemon.setSwitchedOff(false)
            await Events.until { spans.ingress.accepted.count == 20 && orders.upstream.receipts.count == 20 }
        }
        #expect(spans.ingress.accepted.sorted() == Array(1...20))
        await spans.buffer.close()
    }

    @Test func `a lane that hangs holds up neither the other nor the status`() async throws {
        let (spans, orders) = (try Bench(), OrderBench())
        let (gate, release) = AsyncStream<Void>.makeStream()
        orders.upstream.hold { for await _ in gate {} }
        let daemon = SyncDaemon(orders: orders.lane, spans: spans.lane, intervals: Self.often)
        try await run(daemon) {
            orders.place(1)
            await Events.until { await daemon.status().orders.state == .draining }
            for part in 0..<5 as Range<UInt64> {
                try await spans.record(part * 10 + 1...part * 10 + 10)
                await Events.until { spans.ingress.accepted.count == Int(part + 1) * 10 }
            }
            #expect(await daemon.status().orders.state == .draining)
            release.finish()
            await Events.until { orders.outbox.outboxCounts().accepted == 1 }
        }
        await spans.buffer.close()
    }

    @Test func `orders that get through again make the spans try at once, whatever their back-off says`() async throws {
        let spans = try Bench { ($0.backOffBase, $0.backOffCap) = (.seconds(86_400), .seconds(86_400)) }
        let orders = OrderBench { ($0.backOffBase, $0.backOffCap) = (.seconds(1), .seconds(1)) }
        spans.ingress.script { _ in .fails(.connect) }
        orders.upstream.script { _ in throw OrderUpstreamError.away }
        try await spans.record(1...10)
        orders.place(1)
        await orders.lane.round()
        await spans.lane.round()
        #expect(await spans.lane.status().state == .offline)
        let daemon = SyncDaemon(orders: orders.lane, spans: spans.lane, intervals: Self.often)
        try await run(daemon) {
            spans.ingress.script { _ in .ok() }
            orders.upstream.script { _ in .accepted }
            #expect(spans.ingress.accepted.isEmpty)
            orders.clock.advance(.seconds(1))
            await Events.until { spans.ingress.accepted.count == 10 }
        }
        await spans.buffer.close()
    }

    @Test func `orders that simply go on make the spans try once, and then leave them to their back-off`() async throws
    {
        let spans = try Bench { ($0.backOffBase, $0.backOffCap) = (.seconds(86_400), .seconds(86_400)) }
        let orders = OrderBench()
        let tries = Counter()
        spans.ingress.script { _ in
            tries.add()
            return .fails(.connect)
        }
        try await spans.record(1...10)
        await spans.lane.round()
        let daemon = SyncDaemon(orders: orders.lane, spans: spans.lane, intervals: Self.often)
        try await run(daemon) {
            for count in 1...20 {
                orders.place(1)
                await Events.until { orders.outbox.outboxCounts().accepted == count }
            }
        }
        #expect(tries.count == 2)
        await spans.buffer.close()
    }

    @Test func `a change of the routes makes both lanes try at once`() async throws {
        let spans = try Bench { ($0.backOffBase, $0.backOffCap) = (.seconds(86_400), .seconds(86_400)) }
        let orders = OrderBench { ($0.backOffBase, $0.backOffCap) = (.seconds(86_400), .seconds(86_400)) }
        spans.ingress.script { _ in .fails(.resolve) }
        orders.upstream.script { _ in throw OrderUpstreamError.away }
        try await spans.record(1...10)
        orders.place(1)
        await orders.lane.round()
        await spans.lane.round()
        let (changes, change) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let daemon = SyncDaemon(
            orders: orders.lane,
            spans: spans.lane,
            routes: RouteWatch(changes: changes),
            intervals: Self.never
        )
        try await run(daemon) {
            spans.ingress.script { _ in .ok() }
            orders.upstream.script { _ in .accepted }
            change.yield()
            await Events.until { spans.ingress.accepted.count == 10 && orders.outbox.outboxCounts().accepted == 1 }
        }
        await spans.buffer.close()
    }

    @Test func `trying now wakes both lanes without waiting for their next look`() async throws {
        let (spans, orders) = (try Bench(), OrderBench())
        let daemon = SyncDaemon(orders: orders.lane, spans: spans.lane, intervals: Self.never)
        try await run(daemon) {
            // The first look of each is made at the start.
            await Events.until { orders.outbox.looks > 0 }
            try await spans.record(1...10)
            orders.place(1)
            await daemon.tryNow()
            await Events.until { spans.ingress.accepted.count == 10 && orders.outbox.outboxCounts().accepted == 1 }
        }
        await spans.buffer.close()
    }

    @Test func `an upload's own span is sent, and that is the end of it`() async throws {
        let bench = try Bench(isTraced: true)
        try await bench.record(1...500)
        for _ in 0..<20 {
            await bench.lane.round()
            try await bench.buffer.flush()
        }
        let names = bench.ingress.seen.flatMap(\.names)
        #expect(names.count { $0 == "GET /" } == 500)
        #expect(names.count { $0 == "upload spans" } == 1)
        #expect(try await bench.books()[0] == 0)
        let upload = try #require(bench.ingress.seen.flatMap(\.spans).first { $0.name == "upload spans" })
        #expect(upload.attributes.first { $0.key == "popshop.spans.sent" }?.value.intValue == 500)
        // A shop that goes on goes on being told of, once a drain.
        try await bench.record(501...510)
        for _ in 0..<20 {
            await bench.lane.round()
            try await bench.buffer.flush()
        }
        #expect(bench.ingress.seen.flatMap(\.names).count { $0 == "upload spans" } == 2)
        #expect(try await bench.books()[0] == 0)
        await bench.buffer.close()
    }

    @Test func `whether the network is there is known from the lanes that have somewhere to go`() async throws {
        let (spans, orders) = (try Bench(upstream: nil), OrderBench())
        let daemon = SyncDaemon(orders: orders.lane, spans: spans.lane)
        #expect(await daemon.status().isOnline)
        orders.place(1)
        orders.upstream.script { _ in throw OrderUpstreamError.away }
        await orders.lane.round()
        let status = await daemon.status()
        #expect(!status.isOnline && !status.isSwitchedOff && status.spans.state == .disabled)
        await spans.buffer.close()
    }
}

private final class Counter: Sendable {
    private let value = Atomic(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add() {
        value.add(1, ordering: .relaxed)
        Events.raise()
    }
}
