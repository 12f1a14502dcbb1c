import Fixtures
import FoundationEssentials
import ShopAPI
import Testing

@testable import LoadGeneratorService

@Suite struct PlannerTests {
    let book: JourneyBook

    init() throws { book = try .fixture() }

    private func hash(seed: UInt64, arrivals: Int = 500) -> String {
        let planner = JourneyPlanner(book: book, seed: seed)
        var hash = JourneyHash()
        for arrival in 0..<arrivals { hash.add(planner.plan(arrival)) }
        return hash.description
    }

    @Test func theSameSeedPlaysTheSameShow() {
        #expect(hash(seed: 42) == hash(seed: 42))
        #expect(hash(seed: 42) != hash(seed: 43))
        #expect(hash(seed: 42) != hash(seed: 42, arrivals: 499))
    }

    /// On any machine: a change of this number is a change of every recorded show.
    @Test func aSeedsShowIsTheOneItAlwaysWas() {
        #expect(hash(seed: 42) == "aef0a81269e4716b")
    }

    @Test func anArrivalDoesNotDependOnThoseBeforeIt() {
        let planner = JourneyPlanner(book: book, seed: 1)
        let inOrder = (0..<50).map { planner.plan($0) }
        let backwards = (0..<50).reversed().map { planner.plan($0) }
        #expect(inOrder == backwards.reversed())
        #expect(Set(inOrder.map(\.sessionID)).count == 50)
    }

    @Test func otherTrafficOfTheSameSeedIsOtherTraffic() {
        let planner = JourneyPlanner(book: book, seed: 1)
        let sessions = [planner, planner.forked(0), planner.forked(1), planner.forked(2)].map { $0.plan(0).sessionID }
        #expect(Set(sessions).count == 4)
        #expect(planner.forked(1).plan(0) == JourneyPlanner(book: book, seed: 1).forked(1).plan(0))
    }

    @Test func theMixIsTheBooks() {
        let planner = JourneyPlanner(book: book, seed: 9)
        let counts = Dictionary(grouping: (0..<10_000).map { planner.plan($0).name }, by: \.self).mapValues(\.count)
        for (name, share) in [("browse", 0.60), ("browse_and_cart", 0.25), ("checkout", 0.15)] {
            #expect(abs(Double(counts[name] ?? 0) / 10_000 - share) < 0.02, "\(name): \(counts[name] ?? 0)")
        }
    }

    @Test func aMixOfTheCallersOwnReplacesTheBooks() {
        let planner = JourneyPlanner(book: book, seed: 9)
        let mix = Weighted([("checkout", 1)])
        #expect((0..<100).allSatisfy { planner.plan($0, mix: mix).name == "checkout" })
    }

    @Test func everyChoiceIsDrawnByItsWeight() {
        var generator = SplitMix64(seed: 3)
        let choice = Weighted([("a", 7), ("b", 2), ("c", 1)])
        let counts = Dictionary(grouping: (0..<10_000).map { _ in choice.pick(with: &generator) }, by: \.self)
        #expect(abs((counts["a"]?.count ?? 0) - 7000) < 200)
        #expect(abs((counts["b"]?.count ?? 0) - 2000) < 200)
        #expect(abs((counts["c"]?.count ?? 0) - 1000) < 200)
    }

    @Test func theProductLookedAtIsTheOnePutInTheCart() throws {
        let planner = JourneyPlanner(book: book, seed: 5)
        for arrival in 0..<50 {
            let plan = planner.plan(arrival, journey: "checkout")
            let looks = plan.steps.filter { $0.template == "/products/{product_id}" }
            let adds = plan.steps.filter { $0.template == "/cart/{cart_id}/add" }
            #expect(1...3 ~= looks.count)
            #expect(looks.count == adds.count)
            for (look, add) in zip(looks, adds) {
                guard case .object(let fields) = add.body, case .int(let product) = fields["product_id"] else {
                    Issue.record("a product's id must stay a number: \(String(describing: add.body))")
                    continue
                }
                #expect(look.values["product_id"] == "\(product)")
                #expect(add.values["cart_id"] == plan.cartID)
            }
            #expect(plan.steps.last?.isCheckout == true)
        }
    }

    @Test func aShopperPutsSeveralProductsIntoSomeCarts() {
        let planner = JourneyPlanner(book: book, seed: 5)
        let lines = (0..<200).map { arrival in
            let steps = planner.plan(arrival, journey: "checkout").steps.filter {
                $0.template == "/products/{product_id}"
            }
            return Set(steps.compactMap { $0.values["product_id"] }).count
        }
        #expect(Set(lines) == [1, 2, 3])
    }

    @Test func textIsFilledInPlaceAndALoneNameKeepsItsType() {
        let values: [String: JSONValue] = ["n": 3, "who": "Ann"]
        #expect(Template.fill("{n}", with: values) == .int(3))
        #expect(Template.fill("{who} wants {n} of {n}", with: values) == "Ann wants 3 of 3")
        #expect(Template.fill(.array(["{n}", true]), with: values) == .array([3, true]))
    }
}

@Suite struct JourneyBookTests {
    /// The fixture with one text replaced.
    private func broken(_ text: String, _ replacement: String) throws -> [UInt8] {
        let file = """
            {"shoppers": {"first": 1, "last": 9},
             "mix": [{"journey": "browse", "weight": 2}, {"journey": "checkout", "weight": 1}],
             "choices": {"size": [{"value": 1, "weight": 1}], "colour": [{"value": "red", "weight": 1}]},
             "journeys": [
              {"name": "browse", "steps": [{"service": "ad", "method": "GET", "path": "/ads", "query": {"q": "{colour}"}}]},
              {"name": "checkout", "steps": [{"repeat": "size", "anew": ["colour"], "steps": [
               {"service": "cart", "method": "POST", "path": "/cart/{cart_id}", "body": {"n": ["{size}"]}, "think_ms": 5}]}]}
             ]}
            """
        #expect(file.contains(text))
        return Array(file.split(separator: text, omittingEmptySubsequences: false).joined(separator: replacement).utf8)
    }

    @Test func aFileWithoutMistakesIsRead() throws {
        let book = try JourneyBook(json: broken("browse", "browse"))
        #expect(book.journey("checkout").parts.count == 1)
    }

    @Test(arguments: [
        ("\"path\": \"/ads\"", "\"path\": \"ads\"", "journeys[0].steps[0].path: it must begin with /"),
        ("\"service\": \"ad\"", "\"service\": \"add\"", "journeys[0].steps[0].service: add is no service"),
        ("\"GET\"", "\"GETT\"", "journeys[0].steps[0].method: GETT is no method"),
        ("{colour}", "{color}", "journeys[0].steps[0].query.q: nothing is drawn for {color}"),
        ("[\"{size}\"]", "[\"{sizes}\"]", "journeys[1].steps[0].steps[0].body: nothing is drawn for {sizes}"),
        ("/{cart_id}", "/{cart}", "journeys[1].steps[0].steps[0].path: nothing is drawn for {cart}"),
        ("\"think_ms\": 5", "\"think_ms\": -5", "journeys[1].steps[0].steps[0].think_ms: it must be 0 to 600000"),
        ("\"repeat\": \"size\"", "\"repeat\": \"colour\"", "choices.colour: a number of repetitions"),
        ("\"repeat\": \"size\"", "\"repeat\": \"lines\"", "journeys[1].steps[0].repeat: there is no choice lines"),
        ("[\"colour\"]", "[\"shape\"]", "journeys[1].steps[0].anew[0]: there is no choice shape"),
        ("\"journey\": \"checkout\"", "\"journey\": \"cheat\"", "mix[1].journey: there is no journey cheat"),
        ("\"weight\": 2", "\"weight\": 0", "mix[0].weight: it must be a whole number"),
        ("\"weight\": 2", "\"weight\": \"two\"", "mix[0].weight: "),
        ("\"name\": \"browse\", ", "", "journeys[0]: name is missing"),
        ("\"value\": \"red\"", "\"value\": [1]", "choices.colour[0].value: it must be a text"),
        ("\"size\": [{\"value\": 1, \"weight\": 1}]", "\"user_id\": []", "choices.user_id: every shopper has one"),
        ("\"last\": 9", "\"last\": 0", "shoppers: the last is below the first"),
        ("\"name\": \"browse\"", "\"name\": \"checkout\"", "journeys[1]: a second journey checkout"),
    ])
    func aMistakeIsNamedWithItsPlace(text: String, replacement: String, problem: String) throws {
        let json = try broken(text, replacement)
        let error = #expect(throws: FixtureError.self) { try JourneyBook(json: json) }
        #expect(
            error?.description.hasPrefix("fixtures/journeys.json: \(problem)") == true,
            "\(String(describing: error))"
        )
    }
}
