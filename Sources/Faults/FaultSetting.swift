/// Who has switched a fault on.
public enum FaultOrigin: String, Codable, Hashable, CaseIterable, Sendable {
    case presenter, mode, scenario

    /// Of two settings of one fault the one with the higher rank acts.
    var rank: Int {
        switch self {
        case .mode: 0
        case .scenario: 1
        case .presenter: 2
        }
    }
}

/// One fault, switched on in one service.
public struct FaultSetting: Codable, Hashable, Sendable {
    /// How long a fault may be asked to last, in seconds.
    public static let durations: ClosedRange<Double> = 0.1...86_400

    public let name: FaultName
    /// By `service.name`.
    public let service: String
    /// In the unit of the definition; nil for a plain switch.
    public let strength: Int?
    /// Nil where there is only one way.
    public let option: String?
    /// When it ends by itself, in milliseconds since 1970; nil for not at all.
    public let until: Int64?
    public let setBy: FaultOrigin

    /// What is left out is the definition's default. Nothing is checked here: see `checked`.
    public init(
        _ name: FaultName,
        service: String,
        strength: Int? = nil,
        option: String? = nil,
        until: Int64? = nil,
        setBy: FaultOrigin
    ) {
        let option = option ?? FaultRegistry[name].options.first?.name
        self.name = name
        self.service = service
        self.option = option
        self.strength = strength ?? FaultRegistry[name].strength(of: option)?.default
        self.until = until
        self.setBy = setBy
    }

    /// A fault in every service it acts in, or in some of them.
    ///
    /// - Parameters:
    ///   - services: Nil for all of the definition's.
    ///   - duration: In seconds; nil for no end.
    ///   - now: Milliseconds since 1970.
    /// - Throws: `FaultError`.
    public static func checked(
        _ name: FaultName,
        services: [String]? = nil,
        strength: Int? = nil,
        option: String? = nil,
        duration: Double? = nil,
        setBy: FaultOrigin,
        now: Int64
    ) throws(FaultError) -> [FaultSetting] {
        let fault = FaultRegistry[name]
        for service in services ?? [] where !fault.services.contains(service) { throw .unknownService(name, service) }
        if let option, !fault.options.contains(where: { $0.name == option }) { throw .unknownOption(name, option) }
        if let strength {
            guard let allowed = fault.strength(of: option) else { throw .noStrength(name) }
            guard allowed.range.contains(strength) else {
                throw .strengthOutOfRange(name, allowed.range, unit: allowed.unit)
            }
        }
        if let duration, !durations.contains(duration) { throw .durationOutOfRange }
        let until = duration.map { now + Int64(($0 * 1000).rounded()) }
        return (services ?? fault.services).map { service in
            FaultSetting(name, service: service, strength: strength, option: option, until: until, setBy: setBy)
        }
    }

    /// Whether it has ended by itself.
    ///
    /// - Parameter now: Milliseconds since 1970.
    public func hasEnded(at now: Int64) -> Bool { until.map { $0 <= now } ?? false }
}

/// Every fault that is on, and where: one value.
public struct FaultSet: Codable, Hashable, Sendable {
    private var settings: [FaultName: [String: FaultSetting]] = [:]

    /// - Parameter settings: Of two for the same fault and service the later counts.
    public init(_ settings: some Sequence<FaultSetting> = []) {
        for setting in settings { set(setting) }
    }

    /// In the order of the names.
    public var all: [FaultSetting] {
        FaultName.allCases.flatMap { name in self[name] }
    }

    public var isEmpty: Bool { settings.isEmpty }

    /// A fault as it is set, service by service.
    public subscript(name: FaultName) -> [FaultSetting] {
        (settings[name] ?? [:]).values.sorted { $0.service < $1.service }
    }

    /// A fault as it is set in one service; nil where it is off. It may have ended by itself.
    public subscript(name: FaultName, service: String) -> FaultSetting? { settings[name]?[service] }

    public mutating func set(_ setting: FaultSetting) {
        settings[setting.name, default: [:]][setting.service] = setting
    }

    /// Without what has ended by itself.
    public func current(at now: Int64) -> FaultSet { FaultSet(all.filter { !$0.hasEnded(at: now) }) }

    public init(from decoder: any Decoder) throws {
        self.init(try [FaultSetting](from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try all.encode(to: encoder)
    }
}
