/// When shoppers arrive: fixed before the first of them comes, whatever becomes of those before.
public struct ArrivalSchedule: Hashable, Sendable {
    /// A stretch over which the rate changes evenly.
    public struct Segment: Hashable, Sendable {
        /// Seconds; infinite in the last one of a schedule without an end.
        public let seconds: Double
        /// Requests per minute at its beginning.
        public let from: Double
        /// Requests per minute at its end.
        public let to: Double

        public init(seconds: Double, from: Double, to: Double) {
            self.seconds = seconds
            self.from = from
            self.to = to
        }

        /// How many arrive over the whole stretch: a fraction at its end belongs to the next one.
        var arrivals: Double { (from + to) / 2 * seconds / 60 }

        /// After how many seconds so many have arrived.
        func seconds(until arrivals: Double) -> Double {
            guard arrivals > 0 else { return 0 }
            let slope = seconds.isFinite ? (to - from) / seconds : 0
            // The root of slope/2 t² + from t = 60 arrivals that needs no division by the slope, which may be 0.
            let root = max(0, from * from + 2 * slope * 60 * arrivals).squareRoot()
            return 2 * 60 * arrivals / (from + root)
        }

        func rate(at elapsed: Double) -> Double {
            seconds.isFinite ? from + (to - from) * elapsed / seconds : from
        }
    }

    public let segments: [Segment]

    public init(_ segments: [Segment]) {
        self.segments = segments
    }

    /// One rate all the time.
    ///
    /// - Parameter seconds: Nil is for ever.
    public static func constant(requestsPerMinute: Int, seconds: Int?) -> ArrivalSchedule {
        let rate = Double(requestsPerMinute)
        return ArrivalSchedule([Segment(seconds: seconds.map(Double.init) ?? .infinity, from: rate, to: rate)])
    }

    /// How long it takes, nil when it has no end.
    public var duration: Duration? {
        let seconds = segments.reduce(0) { $0 + $1.seconds }
        return seconds.isFinite ? .seconds(seconds) : nil
    }

    /// How long after the start an arrival comes, nil when the schedule is over before it.
    ///
    /// - Parameter arrival: From 0, which comes at the start.
    public func offset(ofArrival arrival: Int) -> Duration? { place(ofArrival: arrival)?.offset }

    /// When an arrival comes, and in which segment, nil when the schedule is over before it.
    func place(ofArrival arrival: Int) -> (offset: Duration, segment: Int)? {
        var (begun, before) = (0.0, 0.0)
        for (index, segment) in segments.enumerated() {
            let arrivals = segment.arrivals
            if Double(arrival) < before + arrivals {
                return (.seconds(begun + segment.seconds(until: Double(arrival) - before)), index)
            }
            begun += segment.seconds
            before += arrivals
        }
        return nil
    }

    /// The number of the first arrival in a segment.
    func firstArrival(inSegment segment: Int) -> Int {
        Int(segments.prefix(segment).reduce(0) { $0 + $1.arrivals }.rounded(.up))
    }

    /// Requests per minute at a time after the start; 0 when the schedule is over.
    public func rate(at elapsed: Duration) -> Double {
        var elapsed = elapsed.inSeconds
        for segment in segments {
            if elapsed < segment.seconds { return segment.rate(at: max(0, elapsed)) }
            elapsed -= segment.seconds
        }
        return 0
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
