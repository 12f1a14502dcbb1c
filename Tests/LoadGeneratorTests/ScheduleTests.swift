import Testing

@testable import LoadGeneratorService

@Suite struct ScheduleTests {
    private func arrivals(of schedule: ArrivalSchedule) -> [Duration] {
        var offsets: [Duration] = []
        while let offset = schedule.offset(ofArrival: offsets.count) { offsets.append(offset) }
        return offsets
    }

    @Test(arguments: [(30, 60, 30), (1, 10, 1), (7, 60, 7), (60_000, 2, 2000), (45, 90, 68), (1, 86_400, 1440)])
    func aRunHasAsManyArrivalsAsItsRateAndDurationSay(requestsPerMinute: Int, seconds: Int, count: Int) {
        let schedule = ArrivalSchedule.constant(requestsPerMinute: requestsPerMinute, seconds: seconds)
        let offsets = arrivals(of: schedule)
        #expect(offsets.count == count)
        #expect(offsets.first == .zero)
        #expect(offsets.allSatisfy { $0 < .seconds(seconds) })
        #expect(schedule.duration == .seconds(seconds))
    }

    @Test func arrivalsOfOneRateAreEquallyFarApart() {
        let schedule = ArrivalSchedule.constant(requestsPerMinute: 30, seconds: nil)
        #expect(schedule.offset(ofArrival: 1) == .seconds(2))
        #expect(schedule.offset(ofArrival: 1_000_000) == .seconds(2_000_000))
        #expect(schedule.duration == nil)
        #expect(schedule.rate(at: .seconds(9_000_000)) == 30)
    }

    @Test func aRampMakesAsManyArrivalsAsItsMeanRate() {
        let ramp = ArrivalSchedule([.init(seconds: 600, from: 30, to: 120), .init(seconds: 300, from: 120, to: 120)])
        let offsets = arrivals(of: ramp)
        #expect(offsets.count == 750 + 600)
        #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 })
        // Half the time makes (30 + 75) / 2 * 5 arrivals.
        #expect(offsets.count { $0 < .seconds(300) } == 263)
        #expect(ramp.rate(at: .seconds(300)) == 75)
        #expect(ramp.rate(at: .seconds(700)) == 120)
        #expect(ramp.rate(at: .seconds(900)) == 0)
    }

    @Test func aRampFromNothingBeginsAndEnds() {
        let ramp = ArrivalSchedule([.init(seconds: 60, from: 0, to: 60), .init(seconds: 60, from: 60, to: 0)])
        let offsets = arrivals(of: ramp)
        #expect(offsets.count == 60)
        #expect(offsets.allSatisfy { $0 < .seconds(120) })
    }
}
