import Faults

extension Scenario {
    /// What a scenario may ask for.
    private enum Limits {
        static let phases = 20
        static let faults = 20
        static let minutes = 0.01...1440.0
        static let rpm = 0.0...60_000.0
        static let weights = 1...1_000_000
        static let strengths = 0...Int(Int32.max)
    }

    /// Reads a scenario.
    ///
    /// - Parameters:
    ///   - json: As in `fixtures/scenarios/`.
    ///   - book: Whose journeys it may name.
    /// - Throws: `ScenarioError` that names line and field.
    public init(json: [UInt8], book: JourneyBook) throws(ScenarioError) {
        try self.init(LocatedJSON(json), at: "", book: book)
    }

    /// - Parameter place: Of the scenario in the text that it is a part of.
    init(_ json: LocatedJSON, at place: String, book: JourneyBook) throws(ScenarioError) {
        var fields = try LocatedFields(json, at: place)
        name = try fields.name("name")
        title = try fields.text("title", atMost: 60)
        description = try fields.text("description", atMost: 300)
        var phases: [Phase] = []
        for (phase, place) in try fields.list("phases", atMost: Limits.phases) {
            phases.append(try Self.phase(phase, at: place, book, known: phases))
        }
        guard !phases.isEmpty else { throw fields.mistake("phases", "there must be at least one") }
        try fields.end()
        self.phases = phases
        guard durationMinutes <= Limits.minutes.upperBound else {
            throw fields.mistake("phases", "together they may take a day at most")
        }
        guard peakRPM > 0 else { throw fields.mistake("phases", "one of them must have traffic") }
    }

    private static func phase(
        _ json: LocatedJSON,
        at place: String,
        _ book: JourneyBook,
        known: [Phase]
    ) throws(ScenarioError) -> Phase {
        var fields = try LocatedFields(json, at: place)
        let name = try fields.name("name")
        guard !known.contains(where: { $0.name == name }) else {
            throw fields.mistake("name", "there is a phase \(name) already")
        }
        let minutes = try fields.number("minutes", in: Limits.minutes)
        var rpm = try LocatedFields(try fields.required("rpm"), at: fields.path("rpm"))
        let (from, to) = (try rpm.number("from", in: Limits.rpm), try rpm.number("to", in: Limits.rpm))
        try rpm.end()
        let mix = try mix(try fields.required("journeys"), at: fields.path("journeys"), book)
        var faults: [FaultPlan] = []
        for (fault, place) in try fields.list("faults", atMost: Limits.faults) {
            faults.append(try plan(fault, at: place))
        }
        let talkingPoint = try fields.text("talking_point", atMost: 200)
        try fields.end()
        return Phase(
            name: name,
            minutes: minutes,
            fromRPM: from,
            toRPM: to,
            mix: mix,
            faults: faults,
            talkingPoint: talkingPoint
        )
    }

    /// `{"browse": 60, "checkout": 40}`. Drawn from in the order of the file.
    private static func mix(
        _ json: LocatedJSON,
        at place: String,
        _ book: JourneyBook
    ) throws(ScenarioError) -> Weighted<String> {
        var fields = try LocatedFields(json, at: place)
        var shares: [(value: String, weight: Int)] = []
        guard case .object(let members) = json.value, !members.isEmpty else {
            throw ScenarioError(line: json.line, field: place, problem: "there must be at least one journey")
        }
        for (name, _) in members {
            guard book.hasJourney(name) else {
                let known = book.journeyNames.joined(separator: ", ")
                throw fields.mistake(name, "there is no such journey; there are \(known)")
            }
            shares.append((name, try fields.integer(name, in: Limits.weights)))
        }
        return Weighted(shares)
    }

    private static func plan(_ json: LocatedJSON, at place: String) throws(ScenarioError) -> FaultPlan {
        var fields = try LocatedFields(json, at: place)
        let name = try fields.text("fault", atMost: 64)
        guard let fault = FaultName(rawValue: name) else {
            throw fields.mistake("fault", sentence(.unknownFault(name)))
        }
        var services: [String]?
        if let list = fields.optional("services") {
            services = try texts(list, at: fields.path("services"))
        }
        let option = fields.optional("option") == nil ? nil : try fields.text("option", atMost: 64)
        let strength = try strength(&fields)
        try fields.end()
        let plan = FaultPlan(name: fault, services: services, strength: strength, option: option)
        for value in strength.extremes {
            do {
                _ = try FaultSetting.checked(
                    fault,
                    services: services,
                    strength: value,
                    option: option,
                    setBy: .scenario,
                    now: 0
                )
            } catch {
                throw fields.mistake(field(of: error), sentence(error))
            }
        }
        return plan
    }

    private static func strength(_ fields: inout LocatedFields) throws(ScenarioError) -> FaultPlan.Strength {
        guard let json = fields.optional("strength") else { return .standard }
        guard case .object = json.value else {
            return .constant(try fields.integer("strength", in: Limits.strengths))
        }
        var growth = try LocatedFields(json, at: fields.path("strength"))
        let from = try growth.integer("from", in: Limits.strengths)
        let step = try growth.integer("per_minute", in: Limits.strengths)
        let maximum = try growth.integer("maximum", in: Limits.strengths)
        try growth.end()
        guard maximum >= from else { throw growth.mistake("maximum", "it must not be below from") }
        return .growing(from: from, perMinute: step, maximum: maximum)
    }

    private static func texts(_ json: LocatedJSON, at place: String) throws(ScenarioError) -> [String] {
        guard case .array(let elements) = json.value, !elements.isEmpty else {
            throw ScenarioError(line: json.line, field: place, problem: "it must be a list of services")
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element.value else {
                throw ScenarioError(line: element.line, field: "\(place)[\(index)]", problem: "it must be a text")
            }
            texts.append(text)
        }
        return texts
    }

    /// Without the full stop that `ScenarioError` puts there.
    private static func sentence(_ error: FaultError) -> String {
        error.sentence.hasSuffix(".") ? String(error.sentence.dropLast()) : error.sentence
    }

    private static func field(of error: FaultError) -> String {
        switch error {
        case .unknownFault: "fault"
        case .unknownOption: "option"
        case .unknownService: "services"
        case .noStrength, .strengthOutOfRange, .durationOutOfRange: "strength"
        }
    }
}

extension Scenario.FaultPlan.Strength {
    /// The least and the most it will be: if both are allowed, so is everything between.
    fileprivate var extremes: [Int?] {
        switch self {
        case .standard: [nil]
        case .constant(let value): [value]
        case .growing(let start, _, let maximum): [start, maximum]
        }
    }
}
