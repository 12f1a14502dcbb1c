import ConsoleAPI
import Foundation
import HTTPClient
import HTTPTypes
import Testing

@testable import Sync
@testable import TelemetryBuffer

/// What is learnt of the upstream's clock, and from whom.
@Suite struct ClockTests {
    @Test func `a Retry-After is kept to when it comes with the answer to the question for the time`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.ingress.scriptTime(.status(429, [.retryAfter: "120"]))
        await bench.lane.round()
        #expect(bench.ingress.seen.isEmpty)
        #expect(await bench.lane.status().nextAttempt == .seconds(120))
        bench.ingress.scriptTime(nil)
        await bench.lane.tryNow()
        bench.clock.advance(.seconds(119))
        await bench.lane.round()
        #expect(bench.ingress.seen.isEmpty)
        bench.clock.advance(.seconds(1))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test(arguments: ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 2263 00:00:00 GMT"])
    func `a date for which there are no nanoseconds is none`(date: String) async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.ingress.scriptTime(.status(405, [.date: date]))
        bench.ingress.script { _ in .ok(date: date) }
        await bench.lane.round()
        try await bench.record(11...20)
        await bench.lane.round()
        #expect(try await bench.books() == [0, 20, 0, 0, 0, 0])
        #expect(await bench.lane.status().lastError == nil)
        await bench.buffer.close()
    }

    @Test func `a clock that is set in the midst of a drain makes no span too old`() async throws {
        let bench = try Bench { $0.probeSpans = 10 }
        try await bench.record(1...200)
        let clock = bench.clock
        bench.ingress.script { delivery in
            // A time server sets the machine's clock two days forward after the first request.
            if delivery.ids.contains(1) { clock.step(seconds: 2 * 86_400) }
            return .ok()
        }
        await bench.lane.round()
        #expect(try await bench.books()[3] == 0)
        await bench.buffer.close()
    }

    @Test(arguments: [-10 * 86_400, 10 * 86_400])
    func `a login page with a wrong clock neither expires spans nor keeps them once it is gone`(error: Int) async throws
    {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.ingress.script { _ in .page() }
        bench.ingress.scriptTime(.status(302, [.date: bench.clock.date(plus: error)]))
        await bench.lane.round()
        #expect(try await bench.books() == [10, 0, 0, 0, 0, 0])
        // Somebody has logged in.
        bench.clock.advance(.seconds(61))
        bench.ingress.script { _ in .ok() }
        bench.ingress.scriptTime(nil)
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `by a clock that differs and is nobody's yet nothing expires; by the backend's own it does`()
        async throws
    {
        let bench = try Bench()
        try await bench.record(1...3)
        bench.clock.advance(.seconds(20 * 3_600))
        try await bench.record(4...6)
        bench.clock.step(seconds: -18_000)
        let date = bench.clock.date(plus: 18_000)
        bench.ingress.scriptTime(.status(405, [.date: date]))
        // Five hours behind: the first three are too old where the clock is right, and it may not be.
        bench.ingress.script { _ in .fails(.timeout) }
        await bench.lane.round()
        #expect(try await bench.books() == [6, 0, 0, 0, 0, 0])
        bench.clock.advance(.seconds(5 * 3_600))
        bench.ingress.scriptTime(.status(405, [.date: bench.clock.date(plus: 18_000)]))
        await bench.lane.round()
        #expect(try await bench.books() == [6, 0, 0, 0, 0, 0])
        bench.ingress.script { [clock = bench.clock] _ in .ok(date: clock.date(plus: 18_000)) }
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 3, 0, 3, 0, 0])
        await bench.buffer.close()
    }

    @Test func `what is all too old by the upstream's clock expires when the backend itself has said so`() async throws
    {
        let bench = try Bench()
        bench.clock.step(seconds: -3 * 86_400)
        try await bench.record(1...10)
        let date = bench.clock.date(plus: 3 * 86_400)
        bench.ingress.scriptTime(.status(405, [.date: date]))
        // A gateway's word is not the backend's.
        bench.ingress.script { _ in .status(503, [.date: date]) }
        await bench.lane.round()
        #expect(try await bench.books() == [10, 0, 0, 0, 0, 0])
        bench.ingress.script { _ in .ok(date: date) }
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 0, 0, 10, 0, 0])
        #expect(bench.ingress.seen.allSatisfy { $0.ids.isEmpty }, "no span was sent to learn it")
        #expect(await bench.lane.status().lastError?.contains("259") == true, "a person is told")
        await bench.buffer.close()
    }

    @Test func `a clock that is ahead by less than anybody is told sends nothing that is too far ahead`() async throws {
        let bench = try Bench()
        bench.clock.step(seconds: 3_700)
        try await bench.record(1...5)
        bench.clock.step(seconds: -3_450)
        let clock = bench.clock
        bench.ingress.scriptTime(.status(405, [.date: clock.date(plus: -250)]))
        bench.ingress.script { delivery in
            let refused = delivery.starts.count { $0 > clock.wall + 3_350_000_000_000 }
            return .ok(rejected: Int64(refused), date: clock.date(plus: -250))
        }
        for _ in 0..<40 {
            await bench.lane.round()
            bench.clock.advance(.seconds(10))
        }
        #expect(try await bench.books() == [0, 5, 0, 0, 0, 0])
        #expect(await bench.lane.status().lastError == nil)
        await bench.buffer.close()
    }

    @Test func `what a gateway that fails leaves undated takes nothing back, and teaches nothing`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.clock.step(seconds: 90_000)
        bench.ingress.script { _ in .fails(.connect) }
        let told = FakeIngress.Answer.status(405, [.date: bench.clock.date(plus: -90_000)])
        for answer in [.status(503), told, .status(503)] as [FakeIngress.Answer] {
            bench.ingress.scriptTime(answer)
            await bench.lane.round()
            #expect(try await bench.books() == [10, 0, 0, 0, 0, 0])
            bench.clock.advance(.seconds(61))
        }
        bench.ingress.script { _ in .ok() }
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `behind a gateway with an undated 501 the backend tells the time, before it gets a span`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.clock.step(seconds: 90_000)
        bench.ingress.scriptTime(.status(501))
        let told = HTTPFields([HTTPField(name: .date, value: bench.clock.date(plus: -90_000))])
        bench.ingress.script { delivery in delivery.ids.isEmpty ? .status(200, told) : .fails(.connect) }
        await bench.lane.round()
        #expect(bench.ingress.seen.first?.ids == [], "a request without spans")
        #expect(try await bench.books() == [10, 0, 0, 0, 0, 0], "by this clock they would have expired")
        bench.ingress.script { _ in .ok() }
        bench.clock.advance(.seconds(61))
        await bench.lane.round()
        #expect(try await bench.books() == [0, 10, 0, 0, 0, 0])
        await bench.buffer.close()
    }

    @Test func `a backend that dates its refusal of a request without spans is asked once in a round`() async throws {
        let bench = try Bench()
        try await bench.record(1...10)
        bench.ingress.scriptTime(.status(501))
        let told = HTTPFields([HTTPField(name: .date, value: bench.clock.date(plus: -90_000))])
        bench.ingress.script { delivery in delivery.ids.isEmpty ? .status(400, told) : .fails(.connect) }
        await bench.lane.round()
        #expect(bench.ingress.seen.count { $0.ids.isEmpty } == 1)
        #expect(try await bench.books() == [10, 0, 0, 0, 0, 0], "that clock is nobody's")
        await bench.buffer.close()
    }

    @Test func `a clock that is set by less than is tolerated is asked about again`() async throws {
        let bench = try Bench()
        let clock = bench.clock
        clock.step(seconds: 3_700)
        try await bench.record(1...5)
        // 175 s behind, which is told, and then right.
        clock.step(seconds: -3_875)
        bench.ingress.script { _ in .fails(.connect) }
        bench.ingress.scriptTime(.status(405, [.date: clock.date(plus: 175)]))
        await bench.lane.round()
        clock.step(seconds: 175)
        clock.advance(.seconds(30))
        bench.ingress.scriptTime(.status(405, [.date: clock.date()]))
        bench.ingress.script { delivery in
            .ok(rejected: Int64(delivery.starts.count { $0 > clock.wall + 3_600_000_000_000 }))
        }
        for _ in 0..<30 {
            await bench.lane.round()
            clock.advance(.seconds(10))
        }
        #expect(try await bench.books() == [0, 5, 0, 0, 0, 0])
        await bench.buffer.close()
    }
}
