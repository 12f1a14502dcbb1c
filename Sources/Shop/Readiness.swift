import Synchronization

/// Counts the services that take requests, and when all do, does what was to be done then.
final class Readiness: Sendable {
    private struct State {
        var missing: Int
        var actions: [@Sendable () async -> Void] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        state = Mutex(State(missing: count))
    }

    /// To be done once, in the order given. To be said before the services are started.
    func then(_ action: @escaping @Sendable () async -> Void) {
        state.withLock { $0.actions.append(action) }
    }

    func oneMore() async {
        let actions = state.withLock { state in
            state.missing -= 1
            return state.missing == 0 ? state.actions : []
        }
        for action in actions { await action() }
    }
}
