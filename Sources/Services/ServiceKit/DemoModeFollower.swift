public import Commerce
public import Faults
public import ServiceLifecycle
public import Storage
import Synchronization

/// Follows the stored demo mode and the faults that are on, so that every service, replicas included, runs with them
/// within a second; and changes them, with which this process is up to date at once.
public final class DemoModeFollower: Service {
    /// What is on in this process.
    public let live = LiveFaults()
    private let store: any SettingsStore
    private let interval: Duration
    private let services = Mutex<[String: ServiceFaults]>([:])
    /// Looks are numbered as they begin: one that ends after a later one has ended knows nothing new.
    private let looks = Mutex((begun: 0, seen: 0))

    /// - Parameter interval: Between two looks; what bounds how late a change is seen.
    public init(_ store: any SettingsStore, initial: DemoMode = .normal, interval: Duration = .milliseconds(400)) {
        self.store = store
        self.interval = interval
        live.update(DemoState(mode: initial, faults: FaultSet(FaultRegistry.settings(of: initial))))
    }

    /// What the services of this process run in now.
    public var mode: DemoMode { live.mode }

    /// The faults of one service, the same object each time: it counts what they do.
    public func faults(of service: String) -> ServiceFaults {
        services.withLock { services in
            if let known = services[service] { return known }
            let faults = ServiceFaults(service, live)
            services[service] = faults
            return faults
        }
    }

    /// Looks now.
    ///
    /// - Throws: `StorageError`.
    public func refresh() async throws {
        let number = looks.withLock { looks in
            looks.begun += 1
            return looks.begun
        }
        let demo = try await stored()
        looks.withLock { looks in
            guard number > looks.seen else { return }
            looks.seen = number
            live.update(demo)
        }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // A store that does not answer leaves everything as it is; the next look is soon enough.
                try? await self.refresh()
                try? await Task.sleep(for: self.interval)
            }
        }
    }

    private func stored() async throws -> DemoState {
        DemoState(rows: try await store.settings(prefix: DemoState.prefix))
    }

    private func change(_ rows: [String: String?]) async throws {
        if !rows.isEmpty { try await store.change(rows) }
        try await refresh()
    }
}

extension DemoModeFollower: FaultControl {
    public func settings() async throws -> FaultSet {
        try await refresh()
        return live.demo.faults
    }

    public func set(_ settings: [FaultSetting]) async throws {
        try await change(DemoState.rows(settings))
    }

    public func clear(_ name: FaultName, services: [String]?) async throws {
        var rows: [String: String?] = [:]
        for service in services ?? FaultRegistry[name].services {
            rows.merge(DemoState.removal(of: name, in: service)) { _, new in new }
        }
        try await change(rows)
    }

    public func clear(_ settings: [FaultSetting]) async throws {
        try await change(DemoState.removal(of: settings))
    }

    public func clear(setBy origin: FaultOrigin) async throws {
        try await change(DemoState.removal(of: stored().layers.filter { $0.setBy == origin }))
    }

    public func reset() async throws {
        var rows = DemoState.removal(of: try await stored().layers)
        rows[DemoState.modeRow] = .some(DemoMode.normal.rawValue)
        try await change(rows)
    }

    public func mode() async throws -> DemoMode {
        try await refresh()
        return live.mode
    }

    public func setMode(_ mode: DemoMode) async throws {
        var rows = DemoState.removal(of: try await stored().layers.filter { $0.setBy == .mode })
        rows.merge(try DemoState.rows(FaultRegistry.settings(of: mode))) { _, new in new }
        rows[DemoState.modeRow] = .some(mode.rawValue)
        try await change(rows)
    }

    /// Stores a mode where none was ever stored: what a process says it starts in must not undo what was set live.
    ///
    /// - Throws: `StorageError`.
    public func setModeIfNone(_ mode: DemoMode) async throws {
        guard try await store.settings(prefix: DemoState.modeRow).isEmpty else { return try await refresh() }
        try await setMode(mode)
    }
}
