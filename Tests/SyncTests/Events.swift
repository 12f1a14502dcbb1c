import Synchronization

/// What tests wait for: something has happened at one of the stand-ins, so that a condition is worth another look.
enum Events {
    private struct State {
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private static let state = Mutex(State())

    /// Something has happened.
    static func raise() {
        let waiters = state.withLock { state in
            state.count += 1
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the condition holds; looks whenever something has happened.
    static func until(_ condition: () async throws -> Bool) async rethrows {
        while true {
            let seen = state.withLock { $0.count }
            if try await condition() { return }
            await withCheckedContinuation { waiter in
                let isOld = state.withLock { state in
                    if state.count == seen { state.waiters.append(waiter) }
                    return state.count > seen
                }
                if isOld { waiter.resume() }
            }
        }
    }
}
