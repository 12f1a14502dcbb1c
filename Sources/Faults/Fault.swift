/// The faults there are. Each has its definition in `fixtures/faults.json`.
public enum FaultName: String, CaseIterable, Codable, CodingKeyRepresentable, Hashable, Sendable {
    case slowQueries = "slow-queries"
    case poolExhaustion = "pool-exhaustion"
    case paymentFailures = "payment-failures"
    case paymentUnreachable = "payment-unreachable"
    case cartOutage = "cart-outage"
    case catalogError = "catalog-error"
    case adCPU = "ad-cpu"
    case cacheMissStorm = "recommendation-cache-miss-storm"
    case shippingLatency = "shipping-latency"
    case memoryGrowth = "memory-growth"
    case readinessFlap = "readiness-flap"
    case networkLoss = "network-loss"
    case nPlusOne = "n-plus-one"

    /// - Throws: `FaultError.unknownFault`.
    public init(checking name: String) throws(FaultError) {
        guard let fault = FaultName(rawValue: name) else { throw .unknownFault(name) }
        self = fault
    }
}

/// What a fault is, and how strong it may be.
public struct Fault: Hashable, Sendable {
    /// How strong: a whole number of some unit.
    public struct Strength: Codable, Hashable, Sendable {
        public let unit: String
        public let minimum: Int
        public let maximum: Int
        public let `default`: Int

        public var range: ClosedRange<Int> { minimum...maximum }
    }

    /// One of several ways to act; the first one is what is meant where none is named.
    public struct Option: Hashable, Sendable {
        public let name: String
        /// Nil for the fault's own.
        public let strength: Strength?
    }

    public let name: FaultName
    /// For people.
    public let title: String
    /// Those it acts in, by `service.name`.
    public let services: [String]
    /// Nil for a plain switch.
    public let strength: Strength?
    /// Empty where there is only one way.
    public let options: [Option]
    /// One sentence: what a presenter can point at.
    public let whatToSee: String

    /// How strong it may be when it acts in this way.
    public func strength(of option: String?) -> Strength? {
        options.first { $0.name == option }?.strength ?? strength
    }
}

/// Why a setting cannot be. The state is as it was.
public enum FaultError: Error, Hashable, Sendable {
    case unknownFault(String)
    case unknownOption(FaultName, String)
    case unknownService(FaultName, String)
    /// A plain switch that was given a strength.
    case noStrength(FaultName)
    case strengthOutOfRange(FaultName, ClosedRange<Int>, unit: String)
    case durationOutOfRange

    /// snake_case, for programs.
    public var code: String {
        switch self {
        case .unknownFault: "unknown_fault"
        case .unknownOption: "unknown_option"
        case .unknownService: "unknown_service"
        case .noStrength, .strengthOutOfRange, .durationOutOfRange: "out_of_range"
        }
    }

    /// One sentence, for people.
    public var sentence: String {
        switch self {
        case .unknownFault(let name):
            let names = FaultName.allCases.map(\.rawValue).joined(separator: ", ")
            return "There is no fault \(name.prefix(64)); there are \(names)."
        case .unknownOption(let fault, let option):
            let names = FaultRegistry[fault].options.map(\.name)
            guard !names.isEmpty else { return "\(fault.rawValue) has no options." }
            return "\(fault.rawValue) has no option \(option.prefix(64)); it has \(names.joined(separator: ", "))."
        case .unknownService(let fault, let service):
            let names = FaultRegistry[fault].services.joined(separator: ", ")
            return "\(fault.rawValue) does not act in \(service.prefix(64)), but in \(names)."
        case .noStrength(let fault): return "\(fault.rawValue) is on or off and has no strength."
        case .strengthOutOfRange(let fault, let range, let unit):
            return "\(fault.rawValue) takes \(range.lowerBound) to \(range.upperBound) \(unit)."
        case .durationOutOfRange:
            return "duration_seconds must be a number from \(FaultSetting.durations.lowerBound) to "
                + "\(FaultSetting.durations.upperBound)."
        }
    }

    /// Whether the value is of the right kind and only too large or too small (422), or is none there is (400).
    public var isOutOfRange: Bool { code == "out_of_range" }
}
