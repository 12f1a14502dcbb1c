import Assets
public import Fixtures
import HTTPTypes
import ShopAPI

/// Every journey there is, how often each is made, and what is drawn for it: `fixtures/journeys.json`, checked.
public struct JourneyBook: Sendable {
    /// The names each shopper has without drawing them.
    static let own: Set<String> = ["session_id", "user_id", "cart_id"]
    /// The journeys that have a route of their own.
    static let browse = "browse"
    static let checkout = "checkout"

    /// The numbers of the shoppers.
    let shoppers: ClosedRange<Int>
    /// How often each journey is made.
    public let mix: Weighted<String>
    /// Ordered by name: the order of a JSON object's members is nobody's promise, and a seed needs one.
    let choices: [(name: String, options: Weighted<JSONValue>)]
    private let journeys: [String: Journey]

    /// The compiled-in file.
    ///
    /// - Throws: `FixtureError` that names the place of the mistake.
    public static func fixture() throws(FixtureError) -> JourneyBook {
        guard let asset = Asset.at("fixtures/\(JourneyFile.name)") else {
            throw FixtureError(file: JourneyFile.name, problem: "it was not compiled in")
        }
        return try JourneyBook(json: asset.bytes)
    }

    /// - Throws: `FixtureError` that names the place of the mistake.
    public init(json: [UInt8]) throws(FixtureError) {
        let file = try JourneyFile.decode(json)
        guard file.shoppers.first <= file.shoppers.last else {
            throw mistake("shoppers", "the last is below the first")
        }
        shoppers = file.shoppers.first...file.shoppers.last
        choices = try Self.choices(file.choices)
        let reader = JourneyReader(choices: Dictionary(choices.map { ($0.name, $0.options) }) { first, _ in first })
        var journeys: [String: Journey] = [:]
        for (index, journey) in file.journeys.enumerated() {
            let place = "journeys[\(index)]"
            guard journeys[journey.name] == nil else { throw mistake(place, "a second journey \(journey.name)") }
            journeys[journey.name] = try reader.journey(journey, at: place)
        }
        for name in [Self.browse, Self.checkout] where journeys[name] == nil {
            throw mistake("journeys", "\(name) is missing")
        }
        for (index, share) in file.mix.enumerated() where journeys[share.journey] == nil {
            throw mistake("mix[\(index)].journey", "there is no journey \(share.journey)")
        }
        mix = try weighted(file.mix.map { ($0.journey, $0.weight) }, at: "mix")
        self.journeys = journeys
    }

    func hasJourney(_ name: String) -> Bool { journeys[name] != nil }

    var journeyNames: [String] { journeys.keys.sorted() }

    /// The journey of a name that `mix` has, or one of those with a route of their own.
    func journey(_ name: String) -> Journey {
        guard let journey = journeys[name] else { preconditionFailure("no journey \(name)") }
        return journey
    }

    private static func choices(
        _ choices: [String: [JourneyFile.Option]]
    ) throws(FixtureError) -> [(name: String, options: Weighted<JSONValue>)] {
        var sorted: [(name: String, options: Weighted<JSONValue>)] = []
        for (name, options) in choices.sorted(by: { $0.key < $1.key }) {
            let place = "choices.\(name)"
            guard !own.contains(name) else { throw mistake(place, "every shopper has one without drawing it") }
            for (index, option) in options.enumerated() where !option.value.isScalar {
                throw mistake("\(place)[\(index)].value", "it must be a text, a number or a truth value")
            }
            sorted.append((name, try weighted(options.map { ($0.value, $0.weight) }, at: place)))
        }
        return sorted
    }
}

/// Turns what the file says into journeys.
private struct JourneyReader {
    /// How often a group may be repeated.
    private static let repetitions: ClosedRange<Int64> = 1...20
    private static let thinking = 0...600_000
    private static let methods: [String: HTTPRequest.Method] = [
        "GET": .get, "POST": .post, "PUT": .put, "PATCH": .patch, "DELETE": .delete,
    ]

    let choices: [String: Weighted<JSONValue>]

    func journey(_ journey: JourneyFile.Journey, at place: String) throws(FixtureError) -> Journey {
        guard !journey.steps.isEmpty else { throw mistake("\(place).steps", "there is none") }
        var parts: [Journey.Part] = []
        for (index, step) in journey.steps.enumerated() {
            let place = "\(place).steps[\(index)]"
            if step.steps == nil {
                parts.append(.step(try self.step(step, at: place)))
            } else {
                parts.append(try group(step, at: place))
            }
        }
        return Journey(name: journey.name, parts: parts)
    }

    private func group(_ group: JourneyFile.Step, at place: String) throws(FixtureError) -> Journey.Part {
        guard let name = group.repeat else { throw mistake("\(place).repeat", "it is missing") }
        guard let options = choices[name]?.options else {
            throw mistake("\(place).repeat", "there is no choice \(name)")
        }
        for case (let value, _) in options {
            guard case .int(let count) = value, Self.repetitions.contains(count) else {
                throw mistake("choices.\(name)", "a number of repetitions is a whole number from 1 to 20")
            }
        }
        let anew = group.anew ?? []
        for (index, name) in anew.enumerated() where choices[name] == nil {
            throw mistake("\(place).anew[\(index)]", "there is no choice \(name)")
        }
        var steps: [Journey.Step] = []
        for (index, step) in (group.steps ?? []).enumerated() {
            steps.append(try self.step(step, at: "\(place).steps[\(index)]"))
        }
        guard !steps.isEmpty else { throw mistake("\(place).steps", "there is none") }
        return .repeated(choice: name, anew: anew, steps: steps)
    }

    private func step(_ step: JourneyFile.Step, at place: String) throws(FixtureError) -> Journey.Step {
        guard let service = step.service.flatMap(ServiceName.init(rawValue:)) else {
            throw mistake("\(place).service", "\(step.service ?? "nothing") is no service")
        }
        guard let method = step.method.flatMap({ Self.methods[$0] }) else {
            throw mistake("\(place).method", "\(step.method ?? "nothing") is no method")
        }
        guard let path = step.path, path.hasPrefix("/") else { throw mistake("\(place).path", "it must begin with /") }
        let think = step.think_ms ?? 0
        guard Self.thinking.contains(think) else { throw mistake("\(place).think_ms", "it must be 0 to 600000") }
        try check(Template.names(in: path), at: "\(place).path")
        for (name, template) in (step.query ?? [:]).sorted(by: { $0.key < $1.key }) {
            try check(Template.names(in: template), at: "\(place).query.\(name)")
        }
        if let body = step.body { try check(Template.names(in: body), at: "\(place).body") }
        return Journey.Step(
            service: service,
            method: method,
            path: path,
            query: (step.query ?? [:]).sorted { $0.key < $1.key }.map { (name: $0.key, template: $0.value) },
            body: step.body,
            think: .milliseconds(think)
        )
    }

    private func check(_ names: [String], at place: String) throws(FixtureError) {
        for name in names.sorted() where choices[name] == nil && !JourneyBook.own.contains(name) {
            throw mistake(place, "nothing is drawn for {\(name)}")
        }
    }
}

private func weighted<Value>(
    _ options: [(value: Value, weight: Int)],
    at place: String
) throws(FixtureError) -> Weighted<Value> {
    guard !options.isEmpty else { throw mistake(place, "there is nothing to choose from") }
    for (index, option) in options.enumerated() where !(1...1_000_000).contains(option.weight) {
        throw mistake("\(place)[\(index)].weight", "it must be a whole number from 1 to 1000000")
    }
    return Weighted(options)
}

private func mistake(_ place: String, _ what: String) -> FixtureError {
    FixtureError(file: JourneyFile.name, problem: "\(place): \(what)")
}

extension JSONValue {
    fileprivate var isScalar: Bool {
        switch self {
        case .bool, .int, .double, .string: true
        case .null, .array, .object: false
        }
    }
}
