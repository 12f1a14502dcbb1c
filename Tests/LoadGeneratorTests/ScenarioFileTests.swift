import Assets
import Faults
import Testing

@testable import LoadGeneratorService

/// What `fixtures/scenarios/` holds, and what it may hold.
@Suite struct ScenarioFileTests {
    @Test func `Black Friday is as the contract has it`() throws {
        let scenario = try #require(try ScenarioBook.fixture(.fixture())["blackfriday"])
        #expect(scenario.durationMinutes == 30)
        #expect(scenario.peakRPM == 120)
        #expect(scenario.phases.map(\.name) == ["ramp", "peak", "degradation", "critical"])
        #expect(scenario.phases.map(\.minutes) == [10, 5, 5, 10])
        #expect(scenario.phases.map(\.fromRPM) == [30, 120, 120, 120])
        #expect(scenario.phases.map(\.toRPM) == [120, 120, 120, 120])
        for (phase, shares) in zip(scenario.phases, [[60, 25, 15], [60, 25, 15], [50, 20, 30], [50, 20, 30]]) {
            #expect(phase.mix.options.map(\.value) == ["browse", "browse_and_cart", "checkout"])
            #expect(phase.mix.options.map(\.weight) == shares)
        }
    }

    @Test func `every talking point is one sentence`() throws {
        for scenario in try ScenarioBook.fixture(.fixture()).all {
            for phase in scenario.phases {
                #expect(phase.talkingPoint.last == ".")
                #expect(!phase.talkingPoint.dropLast().contains(". "))
            }
        }
    }

    @Test(arguments: [
        (#""minutes": 2"#, #""minutes": "2""#, 7, "phases[0].minutes", "it must be a number, and is a text"),
        (#""minutes": 2"#, #""minutes": 0"#, 7, "phases[0].minutes", "it must be from 0.01 to 1440"),
        (#""minutes": 2,"#, "", 5, "phases[0].minutes", "it is missing"),
        (#""to": 60"#, #""to": -1"#, 8, "phases[0].rpm.to", "it must be from 0 to 60000"),
        (#""to": 60"#, #""too": 60"#, 8, "phases[0].rpm.to", "it is missing"),
        (#""to": 60"#, #""to": 60, "by": 1"#, 8, "phases[0].rpm.by", "there is no such field"),
        (#""browse": 1"#, #""brows": 1"#, 9, "phases[0].journeys.brows", "there is no such journey"),
        (#""browse": 1"#, #""browse": 0.5"#, 9, "phases[0].journeys.browse", "it must be from 1 to 1000000"),
        (#""browse": 1"#, #""browse": 1.5"#, 9, "phases[0].journeys.browse", "it must be a whole number"),
        (#"{"browse": 1}"#, "{}", 9, "phases[0].journeys", "there must be at least one journey"),
        (#""slow-queries""#, #""slow""#, 11, "phases[0].faults[0].fault", "There is no fault slow"),
        (#""checkout"]"#, #""cart"]"#, 11, "phases[0].faults[0].services", "does not act in cart"),
        (#""strength": 500"#, #""strength": 20000"#, 11, "phases[0].faults[0].strength", "takes 1 to 10000 ms"),
        (
            #""strength": 500"#, #""strength": {"from": 9, "per_minute": 1, "maximum": 8}"#, 11,
            "phases[0].faults[0].strength.maximum", "it must not be below from"
        ),
        (#""option": "sleep""#, #""option": "nap""#, 11, "phases[0].faults[0].option", "has no option nap"),
        (#""name": "only""#, #""name": "Only one""#, 6, "phases[0].name", "small letters, digits and hyphens"),
        (#""title": "Test""#, #""title": """#, 3, "title", "it must be 1 to 60 characters"),
        (#""title": "Test""#, #""title": "Test", "tittle": "T""#, 3, "tittle", "there is no such field"),
    ])
    func `a mistake is told by its line and field`(
        what: String,
        instead: String,
        line: Int,
        field: String,
        problem: String
    ) throws {
        let error = #expect(throws: ScenarioError.self) { try Self.read(Self.sound.replacing(what, with: instead)) }
        #expect(error?.line == line)
        #expect(error?.field == field)
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "nothing")")
    }

    @Test(arguments: [
        (#""minutes": 2,"#, #""minutes": 2"#, 8, "a comma or } is missing"),
        (#""minutes": 2"#, #""minutes": two"#, 7, "two is no value of JSON"),
        (#""minutes": 2"#, #""minutes" 2"#, 7, "a colon is missing after minutes"),
        (#""minutes": 2"#, #""minutes": 2, "minutes": 3"#, 7, "minutes is there twice"),
        (#""title": "Test""#, #""title": "Test"#, 3, "a quotation mark is missing"),
    ])
    func `what is no JSON is told by its line`(what: String, instead: String, line: Int, problem: String) throws {
        let error = #expect(throws: ScenarioError.self) { try Self.read(Self.sound.replacing(what, with: instead)) }
        #expect(error?.line == line)
        #expect(error?.field == nil)
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "nothing")")
    }

    @Test func `a second phase of one name is refused`() throws {
        let twice = Self.sound.replacing("\n  ]\n}", with: ",\n    {\"name\": \"only\"}\n  ]\n}")
        let error = #expect(throws: ScenarioError.self) { try Self.read(twice) }
        #expect(error?.field == "phases[1].name")
        #expect(error?.line == 15)
    }

    @Test func `nothing that is cut off is taken`() throws {
        _ = try Self.read(Self.sound)
        for length in Self.sound.indices.dropFirst(1) {
            #expect(throws: ScenarioError.self) { try Self.read(String(Self.sound[..<length])) }
        }
    }

    @Test func `the sentence names both`() {
        let error = ScenarioError(line: 12, field: "phases[2].rpm.to", problem: "it is missing")
        #expect("\(error)" == "Line 12, phases[2].rpm.to: it is missing.")
    }

    static func read(_ text: String) throws -> Scenario {
        try Scenario(json: Array(text.utf8), book: .fixture())
    }

    static let sound = """
        {
          "name": "test",
          "title": "Test",
          "description": "A test.",
          "phases": [{
              "name": "only",
              "minutes": 2,
              "rpm": {"from": 60, "to": 60},
              "journeys": {"browse": 1},
              "faults": [
                {"fault": "slow-queries", "services": ["checkout"], "strength": 500, "option": "sleep"}
              ],
              "talking_point": "Look."
            }
          ]
        }
        """
}
