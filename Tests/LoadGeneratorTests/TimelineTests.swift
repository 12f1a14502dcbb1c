import Faults
import Testing

@testable import LoadGeneratorService

/// What is on at which moment of Black Friday.
@Suite struct TimelineTests {
    private let scenario: Scenario

    init() throws {
        scenario = try #require(try ScenarioBook.fixture(.fixture())["blackfriday"])
    }

    @Test(arguments: [30.0, 6.0, 1.5])
    func `phases keep their share at every length`(minutes: Double) {
        let timeline = ScenarioTimeline(scenario, minutes: minutes)
        #expect(timeline.duration == .seconds(minutes * 60))
        for (phase, minute) in [0.0, 10, 15, 20].enumerated() {
            let start = Duration.seconds(minutes * 60 * minute / 30)
            #expect(timeline.start(ofPhase: phase) == start)
            #expect(timeline.phase(at: start) == phase)
            if phase > 0 { #expect(timeline.phase(at: start - .nanoseconds(1)) == phase - 1) }
        }
        #expect(timeline.phase(at: timeline.duration) == 3)
    }

    @Test(arguments: [30.0, 6.0, 1.5])
    func `every minute of the file begins when the timeline says it does`(minutes: Double) throws {
        let timeline = ScenarioTimeline(scenario, minutes: minutes)
        var offset: Duration? = .zero
        for minute in 0..<30 {
            let now = try #require(offset)
            #expect(timeline.minute(at: now) == minute)
            offset = timeline.change(after: now)
        }
        #expect(offset == nil)
        #expect(timeline.minute(at: timeline.duration) == 29)
    }

    @Test func `the rate climbs from 30 to 120 and stays`() {
        let timeline = ScenarioTimeline(scenario, minutes: 30)
        let rates = [0.0, 5, 10, 12, 25].map { timeline.schedule.rate(at: .seconds($0 * 60)) }
        #expect(rates == [30, 75, 120, 120, 120])
        let half = ScenarioTimeline(scenario, minutes: 1.5, peakRPM: 60)
        #expect(half.schedule.rate(at: .zero) == 15)
        #expect(half.schedule.rate(at: .seconds(60)) == 60)
    }

    @Test(
        arguments: [
            (0, 500, nil), (9, 500, nil), (10, 1000, nil), (14, 1000, nil), (15, 2500, 5), (16, 2500, 10),
            (19, 2500, 25),
            (20, 2500, 30), (21, 2500, 35), (22, 2500, 40), (29, 2500, 40),
        ] as [(Int, Int, Int?)]
    )
    func `faults grow by the minute`(minute: Int, delay: Int, share: Int?) {
        for minutes in [30.0, 1.5] {
            let timeline = ScenarioTimeline(scenario, minutes: minutes)
            let faults = timeline.faults(at: .seconds(Double(minute) * minutes * 2 + 0.01))
            #expect(faults[.slowQueries, "product-catalog"]?.strength == delay)
            #expect(faults[.slowQueries, "checkout"] == nil)
            #expect(faults[.poolExhaustion, "checkout"]?.strength == share)
            #expect(faults.all.allSatisfy { $0.setBy == .scenario && $0.until == nil })
        }
    }

    @Test func `arrivals belong to the phase in which they come`() throws {
        let timeline = ScenarioTimeline(scenario, minutes: 1.5)
        var arrival = 0
        while let place = timeline.schedule.place(ofArrival: arrival) {
            #expect(timeline.phase(at: place.offset) == place.segment)
            arrival += 1
        }
        // 75 a minute for 30 s, 120 a minute for 60 s.
        #expect(arrival == 158)
        for phase in 0..<4 {
            let first = timeline.schedule.firstArrival(inSegment: phase)
            #expect(timeline.schedule.place(ofArrival: first)?.segment == phase)
            if first > 0 { #expect(timeline.schedule.place(ofArrival: first - 1)?.segment == phase - 1) }
        }
    }
}
