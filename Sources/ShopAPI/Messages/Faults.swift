// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// `POST /admin/simulate-slow-queries` of the catalog.
public struct SlowQueriesRequest: Decodable, Sendable {
    public let duration_ms: Int

    private enum CodingKeys: CodingKey { case duration_ms }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        duration_ms = try container.integer(.duration_ms, default: 2800, in: 1...10_000)
    }
}

/// `POST /demo/enable-slow-queries` of the checkout.
public struct DelayRequest: Decodable, Sendable {
    public let delay_ms: Int

    private enum CodingKeys: CodingKey { case delay_ms }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        delay_ms = try container.integer(.delay_ms, default: 2900, in: 1...10_000)
    }
}

/// `POST /admin/simulate-pool-exhaustion` of the catalog, `POST /demo/simulate-pool-exhaustion` of the checkout.
public struct ExhaustPoolRequest: Decodable, Sendable {
    /// Nil for all there are.
    public let connections: Int?

    private enum CodingKeys: CodingKey { case connections }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        connections =
            try container.has(.connections) ? container.integer(.connections, in: 1...1000) : nil
    }
}

/// What those four, and their counterparts, answer.
public struct FaultAnswer: Codable, Sendable {
    public let success: Bool
    public let status: String
    public let message: String

    public init(_ message: String) {
        success = true
        status = "success"
        self.message = message
    }
}

/// `POST /api/faults` of the console.
public struct FaultRequest: Decodable, Sendable {
    public let name: String
    public let on: Bool
    /// In the unit of the fault; nil for its default.
    public let strength: Int?
    public let option: String?
    /// Nil for no end.
    public let duration_seconds: Double?
    /// Nil for every service the fault acts in.
    public let services: [String]?

    private enum CodingKeys: CodingKey { case name, on, strength, option, duration_seconds, services }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.name(.name)
        guard try container.has(.on) else { throw InputError.required("on") }
        guard let on = try? container.decode(Bool.self, forKey: .on) else {
            throw InputError.wrongType("on", "true or false")
        }
        self.on = on
        strength = try container.has(.strength) ? container.integer(.strength, in: 0...Int(Int32.max)) : nil
        option = try container.text(.option)
        duration_seconds =
            try container.has(.duration_seconds) ? container.number(.duration_seconds, in: 0.1...86_400) : nil
        if try container.has(.services) {
            guard let names = try? container.decode([String].self, forKey: .services), !names.isEmpty else {
                throw InputError.wrongType("services", "a list of services' names")
            }
            services = names
        } else {
            services = nil
        }
    }
}

/// `GET /api/faults` of the console.
public struct FaultList: Codable, Sendable {
    public let mode: String
    public let faults: [FaultMessage]

    public init(mode: String, faults: [FaultMessage]) {
        self.mode = mode
        self.faults = faults
    }
}

/// One fault: what it is, how it is set, and what it has done.
public struct FaultMessage: Codable, Hashable, Sendable {
    public struct Strength: Codable, Hashable, Sendable {
        public let unit: String
        public let minimum: Int
        public let maximum: Int
        public let `default`: Int

        public init(unit: String, minimum: Int, maximum: Int, default: Int) {
            self.unit = unit
            self.minimum = minimum
            self.maximum = maximum
            self.default = `default`
        }
    }

    /// In the last `window_seconds`, as counted by the services that acted.
    public struct Observed: Codable, Hashable, Sendable {
        public let window_seconds: Int
        public let requests: Int
        public let milliseconds: Double
        public let errors: Int

        public init(window_seconds: Int, requests: Int, milliseconds: Double, errors: Int) {
            self.window_seconds = window_seconds
            self.requests = requests
            self.milliseconds = milliseconds
            self.errors = errors
        }
    }

    public let name: String
    public let title: String
    public let services: [String]
    /// Null for a plain switch. While it is on: as it is for the option that is on.
    public let strength: Strength?
    public let options: [String]
    public let what_to_see: String
    public let on: Bool
    /// Those it is on in.
    public let active_in: [String]
    public let current_strength: Int?
    public let option: String?
    /// Until it ends by itself; null where it does not.
    public let seconds_left: Double?
    public let set_by: String?
    public let observed: Observed

    public init(
        name: String,
        title: String,
        services: [String],
        strength: Strength?,
        options: [String],
        what_to_see: String,
        active_in: [String],
        current_strength: Int?,
        option: String?,
        seconds_left: Double?,
        set_by: String?,
        observed: Observed
    ) {
        self.name = name
        self.title = title
        self.services = services
        self.strength = strength
        self.options = options
        self.what_to_see = what_to_see
        on = !active_in.isEmpty
        self.active_in = active_in
        self.current_strength = current_strength
        self.option = option
        self.seconds_left = seconds_left
        self.set_by = set_by
        self.observed = observed
    }

    /// Nulls are written: a page must not have to guess what is missing.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(title, forKey: .title)
        try container.encode(services, forKey: .services)
        try container.encode(strength, forKey: .strength)
        try container.encode(options, forKey: .options)
        try container.encode(what_to_see, forKey: .what_to_see)
        try container.encode(on, forKey: .on)
        try container.encode(active_in, forKey: .active_in)
        try container.encode(current_strength, forKey: .current_strength)
        try container.encode(option, forKey: .option)
        try container.encode(seconds_left, forKey: .seconds_left)
        try container.encode(set_by, forKey: .set_by)
        try container.encode(observed, forKey: .observed)
    }
}

/// `POST /api/mode` of the console.
public struct ModeAnswer: Codable, Sendable {
    public let mode: String

    public init(_ mode: String) { self.mode = mode }
}
