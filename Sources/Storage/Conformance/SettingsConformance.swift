import Commerce
public import Storage

/// A store of settings, and another one on the same data.
public struct SettingsSubject: Sendable {
    public let settings: any SettingsStore
    /// The store as another process, or this one started again, finds it.
    public let reopen: @Sendable () async throws -> any SettingsStore

    public init(settings: any SettingsStore, reopen: @escaping @Sendable () async throws -> any SettingsStore) {
        self.settings = settings
        self.reopen = reopen
    }
}

/// What every `SettingsStore` does.
public enum SettingsConformance {
    public static let suite = ConformanceSuite<SettingsSubject>([
        .init(name: "the mode is normal before anything was set") { subject in
            try expectEqual(try await subject.settings.demoMode(), .normal, "the mode")
        },
        .init(name: "a mode is kept, also for who opens the store later") { subject in
            try await subject.settings.setDemoMode(.blackfriday)
            try expectEqual(try await subject.settings.demoMode(), .blackfriday, "the mode")
            let reopened = try await subject.reopen()
            try expectEqual(try await reopened.demoMode(), .blackfriday, "the mode found later")
            try await reopened.setDemoMode(.normal)
            try expectEqual(try await reopened.demoMode(), .normal, "the mode set back")
        },
        .init(name: "settings are found by what their names begin with, and by nothing that only looks like it") {
            subject in
            try await subject.settings.change(["demo_a%": "1", "demo_b": "two ' \"\\ \n", "demoXc": "3"])
            let found = try await subject.reopen().settings(prefix: "demo_")
            try expectEqual(found, ["demo_a%": "1", "demo_b": "two ' \"\\ \n"], "the settings")
        },
        .init(name: "one change sets, replaces and removes at once") { subject in
            try await subject.settings.change(["demo_a": "1", "demo_b": "2"])
            try await subject.settings.change(["demo_a": "3", "demo_b": nil, "demo_c": nil])
            try expectEqual(try await subject.settings.settings(prefix: "demo_"), ["demo_a": "3"], "the settings")
        },
    ])
}
