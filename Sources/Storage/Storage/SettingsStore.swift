public import Commerce
import Faults

/// Where the demo's own settings are kept, for every service to follow.
public protocol SettingsStore: Sendable {
    /// Those whose names begin with the prefix, all as of one moment.
    ///
    /// - Throws: `StorageError`.
    func settings(prefix: String) async throws -> [String: String]

    /// Sets some, and removes those whose value is nil: all of them, or none.
    ///
    /// - Throws: `StorageError`.
    func change(_ settings: [String: String?]) async throws
}

extension SettingsStore {
    /// `normal` before anything was set.
    ///
    /// - Throws: `StorageError`.
    public func demoMode() async throws -> DemoMode {
        try await settings(prefix: DemoState.modeRow)[DemoState.modeRow].flatMap(DemoMode.init) ?? .normal
    }

    /// Only the word; what a mode is made of is `FaultControl`'s to switch.
    ///
    /// - Throws: `StorageError`.
    public func setDemoMode(_ mode: DemoMode) async throws {
        try await change([DemoState.modeRow: mode.rawValue])
    }
}
