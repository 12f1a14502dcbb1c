import Storage
import Synchronization

/// Lets operations in until it is closed, and knows when the last one has left: GRDB crashes when a connection is used
/// after it was closed, so closing has to wait, and what comes later has to be turned away before it gets there.
final class Doorway: Sendable {
    private struct State {
        var inside = 0
        var isClosed = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Must be followed by `leave()`.
    ///
    /// - Throws: `StorageError` `.unavailable` once it is closed.
    func enter() throws(StorageError) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.inside += 1 }
            return state.isClosed
        }
        if isClosed { throw StorageError(.unavailable, "the database is closed") }
    }

    func leave() {
        let waiters = state.withLock { state in
            state.inside -= 1
            guard state.inside == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Lets nobody in any more and returns when nobody is inside; false when it was closed before.
    func close() async -> Bool {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        await withCheckedContinuation { waiter in
            let isEmpty = state.withLock { state in
                if state.inside > 0 { state.waiters.append(waiter) }
                return state.inside == 0
            }
            if isEmpty { waiter.resume() }
        }
        return isFirst
    }
}
