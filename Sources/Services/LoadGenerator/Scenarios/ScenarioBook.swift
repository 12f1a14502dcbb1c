import Assets
public import Fixtures

/// The scenarios of `fixtures/scenarios/`, checked.
public struct ScenarioBook: Sendable {
    /// Ordered by name.
    public let all: [Scenario]
    /// Whose journeys they are made of.
    let journeys: JourneyBook

    private static let folder = "fixtures/scenarios"

    /// The compiled-in files.
    ///
    /// - Throws: `FixtureError` that names file, line and field.
    public static func fixture(_ journeys: JourneyBook) throws(FixtureError) -> ScenarioBook {
        var scenarios: [Scenario] = []
        for asset in Asset.under(folder) {
            let file = String(asset.path.dropFirst("fixtures/".count))
            do {
                let scenario = try Scenario(json: asset.bytes, book: journeys)
                guard "\(folder)/\(scenario.name).json" == asset.path else {
                    throw ScenarioError(line: 1, field: "name", problem: "a scenario has the name of its file")
                }
                scenarios.append(scenario)
            } catch {
                throw FixtureError(file: file, problem: "\(error)")
            }
        }
        return ScenarioBook(all: scenarios, journeys: journeys)
    }

    /// The scenario of a name, nil when there is none.
    public subscript(name: String) -> Scenario? { all.first { $0.name == name } }
}
