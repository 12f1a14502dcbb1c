public import Commerce
import FoundationEssentials

/// The mode and the faults as they are stored: a row for the mode and one for each fault in each service, so that two
/// hands on different switches never undo each other.
public struct DemoState: Hashable, Sendable {
    /// What the names of all rows begin with, so that one look gets them all.
    public static let prefix = "demo_"
    /// The mode's row.
    public static let modeRow = "demo_mode"

    public var mode: DemoMode
    public var faults: FaultSet

    public init(mode: DemoMode = .normal, faults: FaultSet = FaultSet()) {
        self.mode = mode
        self.faults = faults
    }

    /// What another version has written and this one does not know is left out.
    public init(rows: [String: String]) {
        mode = rows[Self.modeRow].flatMap(DemoMode.init) ?? .normal
        let decoder = JSONDecoder()
        faults = FaultSet(
            rows.filter { $0.key.hasPrefix(Self.faultPrefix) }.values.compactMap { text in
                try? decoder.decode(FaultSetting.self, from: Data(text.utf8))
            }
        )
    }

    private static let faultPrefix = "demo_fault/"

    /// The row of a fault in a service.
    public static func row(_ name: FaultName, _ service: String) -> String {
        "\(faultPrefix)\(name.rawValue)/\(service)"
    }

    /// The rows that switch these on.
    public static func rows(_ settings: some Sequence<FaultSetting>) throws -> [String: String?] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var rows: [String: String?] = [:]
        for setting in settings {
            let text = String(decoding: try encoder.encode(setting), as: UTF8.self)
            rows[row(setting.name, setting.service)] = .some(text)
        }
        return rows
    }

    /// The rows that switch these off.
    public static func removal(of settings: some Sequence<FaultSetting>) -> [String: String?] {
        var rows: [String: String?] = [:]
        for setting in settings { rows[row(setting.name, setting.service)] = .some(nil) }
        return rows
    }
}
