public import Faults

/// A show as it is written down: phases one after the other, each with its traffic, its faults, and what the presenter
/// says then. Times are those of the file; a show may be squeezed or stretched.
public struct Scenario: Sendable {
    /// A part of the show.
    public struct Phase: Sendable {
        /// Small letters, digits and hyphens.
        public let name: String
        /// How long it takes.
        public let minutes: Double
        /// Journeys a minute at its beginning; the rate changes evenly.
        public let fromRPM: Double
        /// Journeys a minute at its end.
        public let toRPM: Double
        /// How often each journey is made.
        public let mix: Weighted<String>
        public let faults: [FaultPlan]
        /// One sentence for the presenter: what to look at now.
        public let talkingPoint: String
    }

    /// A fault that is on during a phase.
    public struct FaultPlan: Hashable, Sendable {
        /// How strong it is.
        public enum Strength: Hashable, Sendable {
            /// As the fault's definition has it.
            case standard
            case constant(Int)
            /// More every minute of the phase, up to a maximum.
            case growing(from: Int, perMinute: Int, maximum: Int)

            /// In the unit of the definition; nil for its default.
            ///
            /// - Parameter minute: Whole minutes of the file since the phase began.
            func value(inMinute minute: Int) -> Int? {
                switch self {
                case .standard: nil
                case .constant(let value): value
                case .growing(let start, let step, let maximum): min(start + step * minute, maximum)
                }
            }
        }

        public let name: FaultName
        /// By `service.name`; nil for all that the fault acts in.
        public let services: [String]?
        public let strength: Strength
        public let option: String?
    }

    public let name: String
    /// For people.
    public let title: String
    public let description: String
    /// At least one.
    public let phases: [Phase]

    /// How long it takes as it is written.
    public var durationMinutes: Double { phases.reduce(0) { $0 + $1.minutes } }

    /// The highest rate in it, in journeys a minute.
    public var peakRPM: Double { phases.reduce(0) { max($0, $1.fromRPM, $1.toRPM) } }
}
