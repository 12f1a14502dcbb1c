public import Commerce
import FoundationEssentials

/// The mode and the faults as they are stored: a row for the mode and one for each fault in each service and each origin, so
/// that two hands never undo each other's switches, also when they are on the same one.
public struct DemoState: Hashable, Sendable {
    /// What the names of all rows begin with, so that one look gets them all.
    public static let prefix = "demo_"
    /// The mode's row.
    public static let modeRow = "demo_mode"

    public let mode: DemoMode
    /// All that is stored: of each fault in each service at most one setting an origin.
    public let layers: [FaultSetting]
    /// What acts: of several settings the presenter's before a scenario's, and that before a mode's.
    public let faults: FaultSet

    public init(mode: DemoMode = .normal, faults: FaultSet = FaultSet()) {
        self.init(mode: mode, layers: faults.all)
    }

    public init(mode: DemoMode, layers: some Sequence<FaultSetting>) {
        self.mode = mode
        self.layers = layers.sorted {
            ($0.setBy.rank, $0.name.rawValue, $0.service) < ($1.setBy.rank, $1.name.rawValue, $1.service)
        }
        faults = FaultSet(self.layers)
    }

    /// Without what has ended by itself.
    public func current(at now: Int64) -> DemoState {
        DemoState(mode: mode, layers: layers.filter { !$0.hasEnded(at: now) })
    }

    /// What another version has written and this one does not know is left out.
    public init(rows: [String: String]) {
        let decoder = JSONDecoder()
        self.init(
            mode: rows[Self.modeRow].flatMap(DemoMode.init) ?? .normal,
            layers: rows.filter { $0.key.hasPrefix(Self.faultPrefix) }.values.compactMap { text in
                try? decoder.decode(FaultSetting.self, from: Data(text.utf8))
            }
        )
    }

    private static let faultPrefix = "demo_fault/"

    /// The row of a fault in a service, as one origin has set it.
    private static func row(_ name: FaultName, _ service: String, _ origin: FaultOrigin) -> String {
        "\(oldRow(name, service))/\(origin.rawValue)"
    }

    /// Where an earlier version has kept it, whoever had set it.
    private static func oldRow(_ name: FaultName, _ service: String) -> String {
        "\(faultPrefix)\(name.rawValue)/\(service)"
    }

    /// The rows that switch these on.
    public static func rows(_ settings: some Sequence<FaultSetting>) throws -> [String: String?] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var rows: [String: String?] = [:]
        for setting in settings {
            let text = String(decoding: try encoder.encode(setting), as: UTF8.self)
            rows[row(setting.name, setting.service, setting.setBy)] = .some(text)
        }
        return rows
    }

    /// The rows that switch these off, each as its origin has set it.
    public static func removal(of settings: some Sequence<FaultSetting>) -> [String: String?] {
        var rows: [String: String?] = [:]
        for setting in settings {
            rows[row(setting.name, setting.service, setting.setBy)] = .some(nil)
            rows[oldRow(setting.name, setting.service)] = .some(nil)
        }
        return rows
    }

    /// The rows that switch a fault off in a service, whoever has set it.
    public static func removal(of name: FaultName, in service: String) -> [String: String?] {
        removal(of: FaultOrigin.allCases.map { FaultSetting(name, service: service, setBy: $0) })
    }
}
