/// One measured figure, with what it is held against.
struct Figure: Codable, Sendable {
    /// Which way is good.
    enum Direction: String, Codable, Sendable {
        case lower, higher
    }

    /// What is aimed at; it decides nothing but a word in the table.
    struct Goal: Codable, Sendable {
        let value: Double
        let isMet: Bool
        /// The median over the goal.
        let ratio: Double
    }

    /// Something measured to compare with.
    struct Comparison: Codable, Sendable {
        /// What it is.
        let name: String
        let value: Double
        /// The median over the value.
        let ratio: Double
    }

    let name: String
    let unit: String
    let better: Direction
    let samples: [Double]
    let repeats: Int
    let median: Double
    let min: Double
    let max: Double
    let goal: Goal?
    /// The most this machine does without our code, from the same run.
    let limit: Comparison?
    /// From another machine: tells an order of magnitude, no more.
    let elsewhere: Comparison?

    /// - Parameter limit: The limit's own samples, taken in turns with the figure's.
    init(
        _ name: String,
        _ unit: String,
        better: Direction,
        _ samples: [Double],
        goal: Double? = nil,
        limit: (name: String, samples: [Double])? = nil,
        elsewhere: (name: String, value: Double)? = nil
    ) {
        let median = samples.median
        self.name = name
        self.unit = unit
        self.better = better
        self.samples = samples
        self.median = median
        repeats = samples.count
        min = samples.min() ?? .nan
        max = samples.max() ?? .nan
        self.goal = goal.map {
            Goal(value: $0, isMet: better == .lower ? median < $0 : median >= $0, ratio: median / $0)
        }
        self.limit = limit.map {
            Comparison(name: $0.name, value: $0.samples.median, ratio: median / $0.samples.median)
        }
        self.elsewhere = elsewhere.map { Comparison(name: $0.name, value: $0.value, ratio: median / $0.value) }
    }
}

extension [Double] {
    /// The middle one, or the mean of the two in the middle.
    var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }

    /// The least of them that so many per cent are not above (nearest rank).
    func percentile(_ percent: Double) -> Double {
        let sorted = sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[Swift.min(sorted.count - 1, Int((Double(sorted.count) * percent / 100).rounded(.up)) - 1)]
    }
}
