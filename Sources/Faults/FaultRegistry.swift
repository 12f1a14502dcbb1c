import Assets
public import Commerce
import FoundationEssentials

/// The definitions of `fixtures/faults.json`.
public enum FaultRegistry {
    /// Every fault, in the order in which they are shown.
    public static let all: [Fault] = file.faults.map(\.fault)

    /// What a mode switches on.
    public static func settings(of mode: DemoMode) -> [FaultSetting] { modes[mode.rawValue] ?? [] }

    /// A fault's definition.
    public static subscript(name: FaultName) -> Fault {
        guard let fault = byName[name] else { preconditionFailure("fixtures/faults.json has no \(name.rawValue)") }
        return fault
    }

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    private static let modes: [String: [FaultSetting]] = file.modes.mapValues { entries in
        entries.map { entry in
            FaultSetting(entry.fault, service: entry.service, strength: entry.strength, setBy: .mode)
        }
    }

    /// Compiled in, and held to be sound by a test: there is nobody to throw to.
    private static let file: File = {
        guard let asset = Asset.at("fixtures/faults.json") else { preconditionFailure("faults.json is compiled in") }
        do {
            return try JSONDecoder().decode(File.self, from: Data(asset.bytes))
        } catch {
            preconditionFailure("fixtures/faults.json: \(error)")
        }
    }()
}

private struct File: Decodable {
    struct Definition: Decodable {
        struct Option: Decodable {
            let name: String
            let strength: Fault.Strength?
        }

        let name: FaultName
        let title: String
        let services: [String]
        let strength: Fault.Strength?
        let options: [Option]?
        let whatToSee: String

        enum CodingKeys: String, CodingKey {
            case name, title, services, strength, options
            case whatToSee = "what_to_see"
        }

        var fault: Fault {
            Fault(
                name: name,
                title: title,
                services: services,
                strength: strength,
                options: (options ?? []).map { Fault.Option(name: $0.name, strength: $0.strength) },
                whatToSee: whatToSee
            )
        }
    }

    struct ModeEntry: Decodable {
        let fault: FaultName
        let service: String
        let strength: Int?
    }

    let faults: [Definition]
    let modes: [String: [ModeEntry]]
}
