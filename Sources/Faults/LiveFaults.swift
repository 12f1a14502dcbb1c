public import Commerce
import FoundationEssentials
import Synchronization

/// What is on in this process now: written by the one who follows the store, read on every request.
public final class LiveFaults: Sendable {
    private struct State {
        var demo = DemoState()
        var watchers: [UInt64: AsyncStream<FaultSet>.Continuation] = [:]
        var nextWatcher: UInt64 = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// The mode and the faults, without what has ended by itself.
    public var demo: DemoState { state.withLock { $0.demo } }

    public var mode: DemoMode { state.withLock { $0.demo.mode } }

    /// A fault as it is on in a service; nil where it is off.
    public subscript(name: FaultName, service: String) -> FaultSetting? {
        guard let setting = state.withLock({ $0.demo.faults[name, service] }) else { return nil }
        // Those with an end are looked at twice: the next look at the store may be half a second away.
        return setting.until != nil && setting.hasEnded(at: Self.milliseconds) ? nil : setting
    }

    /// Takes over what is stored.
    public func update(_ demo: DemoState) {
        let demo = demo.current(at: Self.milliseconds)
        state.withLock { state in
            let isOld = state.demo.faults == demo.faults
            state.demo = demo
            guard !isOld else { return }
            for watcher in state.watchers.values { watcher.yield(demo.faults) }
        }
    }

    /// What is on, now and after each change. One that is slow to look sees the latest.
    public func changes() -> AsyncStream<FaultSet> {
        let (stream, continuation) = AsyncStream.makeStream(of: FaultSet.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            continuation.yield(state.demo.faults)
            return state.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            _ = self.state.withLock { $0.watchers.removeValue(forKey: id) }
        }
        return stream
    }

    /// Milliseconds since 1970, UTC.
    public static var milliseconds: Int64 { Int64((Date().timeIntervalSince1970 * 1000).rounded()) }
}
