public import Commerce
public import ServiceLifecycle
public import Storage
import Synchronization

/// Follows the stored demo mode, so that every service, replicas included, runs in it within a second.
public final class DemoModeFollower: Service {
    private let store: any SettingsStore
    private let interval: Duration
    private let current: Mutex<DemoMode>

    /// - Parameter interval: Between two looks; what bounds how late a change is seen.
    public init(_ store: any SettingsStore, initial: DemoMode = .normal, interval: Duration = .milliseconds(400)) {
        self.store = store
        self.interval = interval
        current = Mutex(initial)
    }

    /// What the services of this process run in now.
    public var mode: DemoMode { current.withLock { $0 } }

    /// Looks now.
    ///
    /// - Throws: `StorageError`.
    public func refresh() async throws {
        let mode = try await store.demoMode()
        current.withLock { $0 = mode }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // A store that does not answer leaves the mode as it is; the next look is soon enough.
                try? await self.refresh()
                try? await Task.sleep(for: self.interval)
            }
        }
    }
}
