import ShopAPI

/// Decides what each arrival does, from a seed and the arrival's number alone.
///
/// Everything is drawn once a journey and shared by its steps, so that the product looked at is the one bought; only
/// a repeated group draws what it lists anew.
public struct JourneyPlanner: Sendable {
    private let book: JourneyBook
    public let seed: UInt64

    public init(book: JourneyBook, seed: UInt64) {
        self.book = book
        self.seed = seed
    }

    /// A planner for other traffic beside this one, as fixed by the seed as this one is.
    func forked(_ number: Int) -> JourneyPlanner {
        JourneyPlanner(book: book, seed: SplitMix64.mix(seed ^ SplitMix64.mix(UInt64(bitPattern: Int64(number)) &+ 1)))
    }

    /// A planner of the same journeys from another seed.
    func reseeded(_ seed: UInt64) -> JourneyPlanner { JourneyPlanner(book: book, seed: seed) }

    /// What an arrival does.
    ///
    /// - Parameters:
    ///   - arrival: From 0.
    ///   - name: The journey, where it is not drawn.
    ///   - mix: How often each journey is made, where it is not what the book says.
    public func plan(_ arrival: Int, journey name: String? = nil, mix: Weighted<String>? = nil) -> PlannedJourney {
        var draft = Draft(book: book, generator: SplitMix64(seed: seed, arrival: arrival))
        let drawn = (mix ?? book.mix).pick(with: &draft.generator)
        let journey = book.journey(name ?? drawn)
        draft.introduce()
        for part in journey.parts { draft.add(part) }
        return PlannedJourney(
            name: journey.name,
            arrival: arrival,
            sessionID: draft.text("session_id"),
            userID: draft.text("user_id"),
            cartID: draft.text("cart_id"),
            draws: draft.draws,
            steps: draft.steps
        )
    }
}

/// A journey being planned.
private struct Draft {
    let book: JourneyBook
    var generator: SplitMix64
    var values: [String: JSONValue] = [:]
    var draws: [PlannedJourney.Draw] = []
    var steps: [PlannedJourney.Step] = []

    func text(_ name: String) -> String { values[name]?.text ?? "" }

    /// Gives the shopper a name, and draws every choice once.
    mutating func introduce() {
        let session = hex(generator.next())
        let shopper = book.shoppers.lowerBound + Int(generator.next(below: UInt64(book.shoppers.count)))
        values["session_id"] = .string(session)
        values["user_id"] = .string("user-\(shopper)")
        values["cart_id"] = .string("cart-\(session)")
        for choice in book.choices { draw(choice.name) }
    }

    mutating func add(_ part: Journey.Part) {
        switch part {
        case .step(let step): add(step)
        case .repeated(let choice, let anew, let steps):
            guard case .int(let count) = values[choice] else { return }
            for repetition in 0..<count {
                if repetition > 0 { for name in anew { draw(name) } }
                for step in steps { add(step) }
            }
        }
    }

    private mutating func draw(_ name: String) {
        guard let choice = book.choices.first(where: { $0.name == name }) else { return }
        let value = choice.options.pick(with: &generator)
        values[name] = value
        draws.append(PlannedJourney.Draw(name: name, value: value))
    }

    private mutating func add(_ step: Journey.Step) {
        let names = Template.names(in: step.path)
        steps.append(
            PlannedJourney.Step(
                service: step.service,
                method: step.method,
                template: step.path,
                values: Dictionary(names.map { ($0, text($0)) }) { first, _ in first },
                query: step.query.map { name, template in
                    PlannedJourney.Draw(name: name, value: .string(Template.fill(template, with: values)))
                },
                body: step.body.map { Template.fill($0, with: values) },
                think: step.think
            )
        )
    }

    private func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
