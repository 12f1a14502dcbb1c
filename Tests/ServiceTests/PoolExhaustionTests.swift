import ConnectionPool
import Faults
import Logging
import ServiceKit
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(15)))
struct PoolExhaustionTests {
    @Test("The pulses fail the wanted share of those who come at any time", arguments: [1, 5, 20, 45, 80, 95, 99])
    func share(_ percent: Int) throws {
        let timeout = Duration.seconds(2)
        let cycle = DutyCycle(percent: percent, acquireTimeout: timeout)
        for turn in 0..<5 {
            let pulse = try #require(cycle.pulse(turn))
            #expect(pulse.rest >= .milliseconds(50))
            let period = pulse.hold + pulse.rest
            // One in each thousandth of the period; who comes in the pulse waits for its end.
            let lost = (0..<1000).filter { step in
                let arrival = period * (Double(step) + 0.5) / 1000
                return arrival < pulse.hold && pulse.hold - arrival > timeout
            }
            #expect(abs(lost.count - percent * 10) <= 1, "\(percent) %: \(lost.count) of 1000")
        }
    }

    @Test("A hundred percent is a pulse without an end")
    func everything() {
        #expect(DutyCycle(percent: 100, acquireTimeout: .seconds(2)).pulse(0) == nil)
    }

    @Test(
        "Connections are really held while the fault is on, and all of them are back when it is off",
        arguments: [
            ("connections", 7, 7), ("connections", 1000, 20), ("share", 100, 20), ("share", 45, 20),
        ]
    )
    func holds(_ option: String, _ strength: Int, _ held: Int) async throws {
        let pool = ConnectionPool<Int>(
            name: "checkout",
            configuration: PoolConfiguration(size: 20, acquireTimeout: .seconds(60))
        ) { 1 }
        let faults = ServiceFaults("checkout", LiveFaults())
        let leases = PoolLeases(size: 20, acquireTimeout: .seconds(60)) {
            let lease = try await pool.lease()
            return { lease.release() }
        }
        let exhaustion = PoolExhaustion(leases)
        let task = FaultTask(.poolExhaustion, in: faults) { await exhaustion.act($0) }
        let group = ServiceGroup(
            services: [task],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await group.run() }
        for _ in 0..<2 {
            let setting = FaultSetting(
                .poolExhaustion,
                service: "checkout",
                strength: strength,
                option: option,
                setBy: .presenter
            )
            faults.live.update(DemoState(faults: FaultSet([setting])))
            while pool.statistics.active < held { await Task.yield() }
            #expect(pool.statistics.active == held)
            faults.live.update(DemoState())
            while pool.statistics.active > 0 { await Task.yield() }
        }
        // Also when the service stops with the fault on.
        faults.live.update(
            DemoState(faults: FaultSet([FaultSetting(.poolExhaustion, service: "checkout", setBy: .mode)]))
        )
        while pool.statistics.active < 20 { await Task.yield() }
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(pool.statistics.active == 0)
    }
}
