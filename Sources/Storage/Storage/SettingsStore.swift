public import Commerce

/// Where the demo's own settings are kept, for every service to follow.
public protocol SettingsStore: Sendable {
    /// `normal` before anything was set.
    ///
    /// - Throws: `StorageError`.
    func demoMode() async throws -> DemoMode

    /// - Throws: `StorageError`.
    func setDemoMode(_ mode: DemoMode) async throws
}
