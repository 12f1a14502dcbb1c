public import Faults

/// A scenario at the length and rate at which it is played: what is on at which moment. Pure arithmetic; the same
/// scenario, length and rate give the same answers on every machine.
public struct ScenarioTimeline: Sendable {
    /// How long a show may take, in minutes.
    public static let durations: ClosedRange<Double> = 0.1...1440
    /// What its highest rate may be, in journeys a minute.
    public static let peaks: ClosedRange<Int> = 1...60_000

    /// A moment at which something may change: a phase begins, or another minute of it.
    private struct Mark {
        let offset: Duration
        let phase: Int
        /// Whole minutes of the file since the phase began.
        let minute: Int
    }

    public let scenario: Scenario
    public let duration: Duration
    /// When shoppers arrive: a segment a phase.
    let schedule: ArrivalSchedule
    /// Ordered by time; the first is at the start.
    private let marks: [Mark]

    /// - Parameters:
    ///   - minutes: Of the whole show; nil for the scenario's own. Each phase keeps its share.
    ///   - peakRPM: Its highest rate; nil for the scenario's own. Each rate keeps its share.
    public init(_ scenario: Scenario, minutes: Double? = nil, peakRPM: Int? = nil) {
        let minutes = minutes ?? scenario.durationMinutes
        let squeeze = minutes / scenario.durationMinutes
        let rate = Double(peakRPM ?? Int(scenario.peakRPM.rounded())) / scenario.peakRPM
        self.scenario = scenario
        duration = Self.offset(minutes)
        schedule = ArrivalSchedule(
            scenario.phases.map { phase in
                ArrivalSchedule.Segment(
                    seconds: phase.minutes * squeeze * 60,
                    from: phase.fromRPM * rate,
                    to: phase.toRPM * rate
                )
            }
        )
        var marks: [Mark] = []
        var begun = 0.0
        for (index, phase) in scenario.phases.enumerated() {
            for minute in 0..<max(1, Int(phase.minutes.rounded(.up))) {
                let offset = Self.offset((begun + Double(minute)) * squeeze)
                marks.append(Mark(offset: offset, phase: index, minute: minute))
            }
            begun += phase.minutes
        }
        self.marks = marks
    }

    /// The phase at a moment; the last one when it is over.
    func phase(at offset: Duration) -> Int { mark(at: offset).phase }

    /// The number of a phase, nil when there is none of that name.
    func phase(named name: String) -> Int? { scenario.phases.firstIndex { $0.name == name } }

    /// When a phase begins.
    func start(ofPhase phase: Int) -> Duration { marks.first { $0.phase == phase }?.offset ?? .zero }

    /// The faults that are on at a moment.
    public func faults(at offset: Duration) -> FaultSet {
        let mark = mark(at: offset)
        return FaultSet(
            scenario.phases[mark.phase].faults.flatMap { plan in
                (plan.services ?? FaultRegistry[plan.name].services).map { service in
                    FaultSetting(
                        plan.name,
                        service: service,
                        strength: plan.strength.value(inMinute: mark.minute),
                        option: plan.option,
                        setBy: .scenario
                    )
                }
            }
        )
    }

    /// The next moment after one at which something may change, nil when only the end is left.
    func change(after offset: Duration) -> Duration? { marks.first { $0.offset > offset }?.offset }

    /// The minute of the scenario's file at a moment, from 0: what `demo.minute` says however long the show takes.
    public func minute(at offset: Duration) -> Int {
        let share = offset.inSeconds / max(duration.inSeconds, .leastNonzeroMagnitude)
        // A moment that is a minute's own beginning is in it, whatever the division has made of it.
        let minute = Int((share * scenario.durationMinutes + 1e-6).rounded(.down))
        return min(max(0, minute), max(0, Int(scenario.durationMinutes.rounded(.up)) - 1))
    }

    private func mark(at offset: Duration) -> Mark { marks.last { $0.offset <= offset } ?? marks[0] }

    /// To the nanosecond.
    private static func offset(_ minutes: Double) -> Duration { .nanoseconds(Int64((minutes * 60e9).rounded())) }
}
