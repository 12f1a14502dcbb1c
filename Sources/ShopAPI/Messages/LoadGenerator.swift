// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Commerce

/// `POST /admin/generate-traffic`.
public struct GenerateTrafficRequest: Codable, Sendable {
    public let duration_seconds: Int
    public let requests_per_minute: Int

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        duration_seconds = try container.integer(.duration_seconds, default: 60, in: 1...86_400)
        requests_per_minute = try container.integer(.requests_per_minute, default: 30, in: 1...60_000)
    }
}

/// What `POST /admin/generate-traffic` answers.
public struct GenerateTrafficAnswer: Codable, Sendable {
    /// `started`; when it was waited for `complete`, or `stopped` where the service stopped first.
    public let status: String
    public let run_id: String
    public let duration_seconds: Int
    public let requests_per_minute: Int
    /// Only when it was waited for, as is what follows.
    public let requests_generated: Int?
    public let errors: Int?

    public init(started run: String, _ request: GenerateTrafficRequest) {
        status = "started"
        run_id = run
        duration_seconds = request.duration_seconds
        requests_per_minute = request.requests_per_minute
        requests_generated = nil
        errors = nil
    }

    public init(ended run: TrafficRun, _ request: GenerateTrafficRequest) {
        status = run.status.rawValue
        run_id = run.run_id
        duration_seconds = request.duration_seconds
        requests_per_minute = request.requests_per_minute
        requests_generated = run.totals.requests
        errors = run.totals.errors
    }
}

/// What traffic has done. A request is a journey.
public struct TrafficTotals: Codable, Hashable, Sendable {
    /// Journeys begun, by name.
    public var journeys: [String: Int] = [:]
    /// Journeys begun.
    public var requests = 0
    /// Journeys that a failing step has ended.
    public var errors = 0
    public var checkouts_attempted = 0
    public var checkouts_failed = 0
    public var in_flight = 0
    /// Arrivals that came notably after their time.
    public var late = 0
    /// Arrivals that were not begun because too many journeys were under way.
    public var shed = 0
    public var max_lateness_ms = 0.0

    public init() {}
}

/// One run of `POST /admin/generate-traffic`.
public struct TrafficRun: Codable, Hashable, Sendable {
    public enum Status: String, Codable, Hashable, Sendable {
        case running, complete, stopped
    }

    public let run_id: String
    public let status: Status
    public let elapsed_seconds: Double
    /// Nil for one without an end.
    public let duration_seconds: Double?
    /// Arrivals a minute that the schedule asks for now.
    public let current_rpm: Double
    /// The same for the same seed and number of arrivals.
    public let journey_hash: String
    public let totals: TrafficTotals

    public init(
        run_id: String,
        status: Status,
        elapsed_seconds: Double,
        duration_seconds: Double?,
        current_rpm: Double,
        journey_hash: String,
        totals: TrafficTotals
    ) {
        self.run_id = run_id
        self.status = status
        self.elapsed_seconds = elapsed_seconds
        self.duration_seconds = duration_seconds
        self.current_rpm = current_rpm
        self.journey_hash = journey_hash
        self.totals = totals
    }
}

/// `GET /admin/stats` of the load generator: the totals, and beside them what they come from.
public struct LoadGeneratorStats: Codable, Sendable {
    public let totals: TrafficTotals
    /// Arrivals a minute that all schedules ask for now.
    public let current_rpm: Double
    public let seed: UInt64
    /// The traffic that runs beside the runs; its hash is the one to compare between two shows of a seed.
    public let background: TrafficRun
    /// Active ones first, then the last that ended, the latest first.
    public let runs: [TrafficRun]

    public init(totals: TrafficTotals, current_rpm: Double, seed: UInt64, background: TrafficRun, runs: [TrafficRun]) {
        self.totals = totals
        self.current_rpm = current_rpm
        self.seed = seed
        self.background = background
        self.runs = runs
    }

    private enum CodingKeys: CodingKey {
        case current_rpm, seed, background, runs
    }

    /// The totals stand beside the rest, not below it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        totals = try TrafficTotals(from: decoder)
        current_rpm = try container.decode(Double.self, forKey: .current_rpm)
        seed = try container.decode(UInt64.self, forKey: .seed)
        background = try container.decode(TrafficRun.self, forKey: .background)
        runs = try container.decode([TrafficRun].self, forKey: .runs)
    }

    public func encode(to encoder: any Encoder) throws {
        try totals.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(current_rpm, forKey: .current_rpm)
        try container.encode(seed, forKey: .seed)
        try container.encode(background, forKey: .background)
        try container.encode(runs, forKey: .runs)
    }
}

/// `POST /admin/demo-mode`.
public struct DemoModeRequest: Codable, Sendable {
    public let mode: DemoMode

    public init(from decoder: any Decoder) throws {
        mode = try decoder.container(keyedBy: CodingKeys.self).choice(.mode)
    }
}

/// What `POST /admin/demo-mode` answers.
public struct DemoModeAnswer: Codable, Sendable {
    public let status: String
    public let mode: DemoMode
    public let message: String

    public init(_ mode: DemoMode) {
        status = "success"
        self.mode = mode
        message = "Every service runs in \(mode.rawValue) mode within a second."
    }
}

/// `GET /admin/demo-mode`.
public struct DemoModes: Codable, Sendable {
    public let mode: DemoMode
    /// What each service runs in now, `unknown` for one that does not say.
    public let services: [String: String]

    public init(mode: DemoMode, services: [String: String]) {
        self.mode = mode
        self.services = services
    }
}

/// What one journey asked for by a script came to.
public struct JourneyAnswer: Codable, Sendable {
    public struct Step: Codable, Sendable {
        public let service: String
        public let method: String
        public let path: String
        public let status: Int

        public init(service: ServiceName, method: String, path: String, status: Int) {
            self.service = service.rawValue
            self.method = method
            self.path = path
            self.status = status
        }
    }

    public let success: Bool
    public let journey: String
    public let trace_id: String
    public let steps: [Step]

    public init(journey: String, traceID: String, steps: [Step]) {
        success = true
        self.journey = journey
        trace_id = traceID
        self.steps = steps
    }
}
