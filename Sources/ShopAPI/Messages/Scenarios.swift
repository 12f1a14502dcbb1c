// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import Commerce

/// A scenario, as `GET /api/scenarios` lists it.
public struct ScenarioSummary: Codable, Hashable, Sendable {
    public struct Phase: Codable, Hashable, Sendable {
        public let name: String
        /// Where it begins, as a share of the whole: 0 to 1.
        public let from: Double
        public let to: Double
        public let talking_point: String

        public init(name: String, from: Double, to: Double, talking_point: String) {
            self.name = name
            self.from = from
            self.to = to
            self.talking_point = talking_point
        }
    }

    public let name: String
    public let title: String
    public let description: String
    /// As it is written; it may be played in another time.
    public let duration_minutes: Double
    /// Journeys a minute at its busiest, as it is written.
    public let peak_rpm: Double
    public let phases: [Phase]

    public init(
        name: String,
        title: String,
        description: String,
        duration_minutes: Double,
        peak_rpm: Double,
        phases: [Phase]
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.duration_minutes = duration_minutes
        self.peak_rpm = peak_rpm
        self.phases = phases
    }
}

/// `GET /admin/demo-status`, and what every change of a scenario answers. What is not known is `null`, and never left
/// out.
public struct ScenarioStatus: Codable, Hashable, Sendable {
    /// What happened in one minute of the scenario's file, however long the show takes.
    public struct Minute: Codable, Hashable, Sendable {
        /// From 0.
        public let minute: Int
        /// Journeys begun.
        public var requests = 0
        /// Journeys that a failing step has ended.
        public var errors = 0
        public var checkouts_attempted = 0
        public var checkouts_failed = 0

        public init(minute: Int) { self.minute = minute }
    }

    public var running = false
    public var paused = false
    /// The one that is played, or was played last.
    public var scenario: String?
    public var seed: UInt64?
    /// Nil when none is played, as is `talking_point`.
    public var phase: String?
    public var talking_point: String?
    public var elapsed_seconds = 0.0
    public var duration_seconds = 0.0
    /// Journeys a minute that are asked for now.
    public var current_rpm = 0.0
    /// Journeys begun.
    public var requests_sent = 0
    public var errors = 0
    public var checkouts_attempted = 0
    public var checkouts_failed = 0
    public var in_flight = 0
    /// Journeys that began notably after their time.
    public var late = 0
    /// Journeys that were left out because too many were under way.
    public var shed = 0
    /// Of the shoppers' requests in the last 15 seconds.
    public var p95_ms: Double?
    /// The same for the same scenario, length, rate, seed and jumps.
    public var journey_hash: String?
    public var minutes: [Minute] = []
    /// What keeps its faults from being switched.
    public var last_error: String?

    public init() {}

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(running, forKey: .running)
        try container.encode(paused, forKey: .paused)
        try container.encode(scenario, forKey: .scenario)
        try container.encode(seed, forKey: .seed)
        try container.encode(phase, forKey: .phase)
        try container.encode(talking_point, forKey: .talking_point)
        try container.encode(elapsed_seconds, forKey: .elapsed_seconds)
        try container.encode(duration_seconds, forKey: .duration_seconds)
        try container.encode(current_rpm, forKey: .current_rpm)
        try container.encode(requests_sent, forKey: .requests_sent)
        try container.encode(errors, forKey: .errors)
        try container.encode(checkouts_attempted, forKey: .checkouts_attempted)
        try container.encode(checkouts_failed, forKey: .checkouts_failed)
        try container.encode(in_flight, forKey: .in_flight)
        try container.encode(late, forKey: .late)
        try container.encode(shed, forKey: .shed)
        try container.encode(p95_ms, forKey: .p95_ms)
        try container.encode(journey_hash, forKey: .journey_hash)
        try container.encode(minutes, forKey: .minutes)
        try container.encode(last_error, forKey: .last_error)
    }
}

/// `GET /api/scenarios` of the console, `GET /admin/scenarios` of the load generator.
public struct ScenarioList: Codable, Hashable, Sendable {
    public let scenarios: [ScenarioSummary]
    public let status: ScenarioStatus

    public init(scenarios: [ScenarioSummary], status: ScenarioStatus) {
        self.scenarios = scenarios
        self.status = status
    }
}

/// `POST /admin/start-demo`; beside it the body may have a `definition`, a scenario that is in no file of the binary.
public struct StartScenarioRequest: Decodable, Sendable {
    public let scenario: String
    /// Nil for as long as it is written.
    public let duration_minutes: Double?
    /// Journeys a minute at its busiest; nil for as many as are written.
    public let peak_rpm: Int?
    /// Nil for the load generator's own.
    public let seed: UInt64?

    private enum CodingKeys: String, CodingKey {
        case scenario, duration_minutes, peak_rpm, seed
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        scenario = try container.text(.scenario) ?? "blackfriday"
        duration_minutes =
            try container.has(.duration_minutes) ? container.number(.duration_minutes, in: 0.1...1440) : nil
        peak_rpm = try container.has(.peak_rpm) ? container.integer(.peak_rpm, in: 1...60_000) : nil
        seed = try container.has(.seed) ? UInt64(container.integer(.seed, in: 0...Int.max)) : nil
    }
}

/// `POST /admin/jump-demo`.
public struct JumpRequest: Codable, Sendable {
    public let phase: String

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let phase = try container.text(.phase) else { throw InputError.required("phase") }
        self.phase = phase
    }
}

/// `POST /api/scenario` of the console; the rest of the body is `StartScenarioRequest` or `JumpRequest`.
public struct ScenarioCommand: Codable, Sendable {
    public enum Action: String, CaseIterable, Codable, Sendable {
        case start, pause, resume, jump, stop

        /// The load generator's route for it.
        public var path: String { self == .start ? "/admin/start-demo" : "/admin/\(rawValue)-demo" }
    }

    public let action: Action

    public init(from decoder: any Decoder) throws {
        action = try decoder.container(keyedBy: CodingKeys.self).choice(.action)
    }
}

/// `GET` and `POST /api/traffic`: what goes on beside runs and scenarios.
public struct TrafficRate: Codable, Hashable, Sendable {
    /// Journeys a minute; 0 is none.
    public let requests_per_minute: Int
    /// False also while a scenario is played, which it waits for.
    public let running: Bool

    public init(requests_per_minute: Int, running: Bool) {
        self.requests_per_minute = requests_per_minute
        self.running = running
    }
}

/// What `POST /api/traffic` is given.
public struct TrafficRequest: Codable, Sendable {
    public let requests_per_minute: Int

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        requests_per_minute = try container.integer(.requests_per_minute, in: 0...6_000)
    }
}

/// `POST /api/reset` of the console: what everything is again.
public struct ResetAnswer: Codable, Sendable {
    public let mode: DemoMode
    public let network_online: Bool
    public let status: ScenarioStatus
    public let traffic: TrafficRate

    public init(mode: DemoMode, network_online: Bool, status: ScenarioStatus, traffic: TrafficRate) {
        self.mode = mode
        self.network_online = network_online
        self.status = status
        self.traffic = traffic
    }
}
