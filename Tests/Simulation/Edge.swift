import Commerce
import SQLiteStorage
import ServiceTracing
import Storage
import Sync
import TelemetryBuffer
import Tracing

/// One booth: its clocks, its disk, its lines to the outside, and what runs there.
final class Edge {
    let number: Int
    let traits: Traits
    let log: EventLog
    let clock: EdgeClock
    let oracle: SpanOracle
    let spanLine: SpanLine
    let orderLine: OrderLine
    let orderOracle: OrderOracle
    private(set) var disk: Disk
    private(set) var process: EdgeProcess?
    private let time: WorldTime
    private let services: [Resource]
    private var dice: Dice
    private var serial: UInt64 = 0
    private var isSwitchedOff = false
    /// The disk dies at one of the next writes.
    private(set) var isDoomed = false

    init(_ number: Int, in world: WorldParts, traits: Traits, dice: inout Dice) async throws {
        self.number = number
        self.traits = traits
        (log, time) = (world.log, world.time)
        clock = EdgeClock(time)
        oracle = SpanOracle("edge \(number)", log)
        spanLine = SpanLine(
            oracle,
            world.ingress,
            clock,
            time,
            log,
            counter: traits.inFlight > 1 ? Counter() : nil,
            dice: dice.fork()
        )
        orderLine = OrderLine("edge \(number)", world.server, clock, time, log, dice: dice.fork())
        orderOracle = OrderOracle("edge \(number)", world.server, log)
        services = ["checkout", "cart"].map { Resource(attributes: ["service.name": .string($0)]) }
        disk = try Disk(in: world.directory)
        try await ShopTemplate.shared.plant(in: disk.path)
        self.dice = dice.fork()
        try open()
    }

    private func open() throws {
        process = try EdgeProcess(on: disk, of: self, traits: traits, seed: dice.next())
        isSwitchedOff = false
        spanLine.processStarted()
        orderLine.processStarted()
    }

    /// Ends the process, in order or by a kill, and starts another on what it left.
    func restart(isOrderly: Bool) async throws {
        log.note("edge \(number) \(isOrderly ? "stops" : "is killed")")
        if isOrderly { await process?.close() }
        let isWhole = isOrderly && disk.mode == .sound && disk.refusals == 0 && !isDoomed
        let old = disk
        isDoomed = false
        if !isWhole { disk = try old.asKilled() }
        process = nil
        if old !== disk { old.remove() }
        if traits.disk == .faulty, dice.chance(25) { disk.mode = dice.pick([.refuses, .full, .gone]) }
        do {
            try open()
        } catch  where disk.mode != .sound {
            log.note("edge \(number) does not start on a disk that fails")
            disk.mode = .sound
            try open()
        }
        log.tally(isOrderly ? "stops" : "kills")
        try await audit(afterRestart: true, mayHaveLost: !isWhole)
    }

    /// A kill in the middle of a write, some writes from now.
    func die(afterWrites count: Int) {
        isDoomed = true
        disk.dieAfter(writes: count)
    }

    /// The disk has died: what runs on it is as good as killed.
    var isDying: Bool { isDoomed && disk.isDead }

    func record(_ count: Int) {
        for _ in 0..<count {
            serial += 1
            let nature: SpanNature =
                switch dice.pick(0...99) {
                case 0, 1: .malformed
                case 2: .tooLarge
                case 3: .unwanted
                default: .plain
                }
            record(nature)
        }
    }

    func record(_ nature: SpanNature) {
        guard let process, let traceID = TraceID(high: UInt64(number + 1), low: serial / 5 + 1),
            let spanID = SpanID(UInt64(number + 1) << 40 | serial)
        else { return }
        let start = clock.wall - UInt64(dice.pick(0...999)) * 1_000_000
        process.recorder.record(
            SpanData(
                name: dice.pick(["GET /api/products", "POST /api/checkout", "SELECT products"]),
                kind: .server,
                context: SpanContext(traceID: traceID, spanID: spanID),
                startTime: start,
                endTime: start + 5_000_000,
                attributes: dice.chance(10) ? ["filler": .string(filler(dice.pick(1...900)))] : [:],
                resource: services[Int(serial % 2)]
            ),
            nature
        )
    }

    private func filler(_ count: Int) -> String { String(repeating: "x", count: count) }

    /// One span that nothing is wrong with, so that it is seen who is to blame for what is refused.
    func recordPlain() {
        serial += 1
        record(.plain)
    }

    func flush() async {
        let refusals = disk.refusals
        do {
            try await process?.buffer.flush()
            oracle.flushed()
        } catch {
            log.note("edge \(number) cannot write")
            log.tally("failed flushes")
            if disk.refusals == refusals { oracle.violation("a sound disk did not take spans: \(error)") }
        }
    }

    func place(_ draft: Order) async {
        guard let process else { return }
        let refusals = disk.refusals
        do {
            _ = try await process.store.place(OrderDraft(order: draft, restocks: true))
            orderOracle.placed(draft)
        } catch {
            log.note("edge \(number) refuses an order")
            log.tally("refused orders")
            orderOracle.uncertain(draft)
            if disk.refusals == refusals { oracle.violation("a sound disk did not take an order: \(error)") }
        }
    }

    /// A round of each lane.
    func rounds() async {
        guard let process else { return }
        await process.orders.round()
        guard let counter = spanLine.counter else {
            await process.spans.round()
            return
        }
        counter.begin()
        let lane = process.spans
        await lane.onWaiting { counter.expect($0) }
        await withTaskGroup { group in
            group.addTask {
                await lane.round()
                counter.end()
            }
            while await counter.allWait() {
                // The shop goes on while its spans are on their way.
                if dice.chance(15) {
                    record(dice.magnitude(upTo: 8))
                    await flush()
                }
                counter.call(dice.pick(0...counter.count - 1))
            }
        }
    }

    /// A presenter moves what has expired to now.
    func retime() async throws {
        guard let process, let expired = try await audit(afterRestart: false, mayHaveLost: false) else { return }
        guard !expired.isEmpty else { return }
        oracle.withState { $0.moved.formUnion(expired) }
        let count = try? await process.outbox.retime(endingAt: clock.wall)
        log.note("edge \(number) retimes \(count ?? -1)")
        log.tally("spans retimed", count ?? 0)
    }

    func tryNow() async {
        spanLine.tryNow()
        orderLine.tryNow()
        await process?.spans.tryNow()
        await process?.orders.tryNow()
    }

    func networkChanged() async {
        await process?.spans.networkChanged()
        await process?.orders.networkChanged()
    }

    func togglePlug() async { await setSwitchedOff(!isSwitchedOff) }

    func setSwitchedOff(_ isOff: Bool) async {
        isSwitchedOff = isOff
        spanLine.setSwitchedOff(isOff)
        orderLine.setSwitchedOff(isOff)
        await process?.spans.setSwitchedOff(isOff)
        await process?.orders.setSwitchedOff(isOff)
    }

    /// The process ends in order, and the disk goes.
    func end() async {
        await process?.close()
        process = nil
        disk.remove()
    }
}
