import Synchronization

/// A counter at which requests wait until each is called: answers come back in another order than requests went out, and
/// in the same one for the same seed.
final class Counter: Sendable {
    private struct State {
        /// By what they carry: which arrives first is not the seed's to say.
        var waiting: [(key: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
        /// How many will have arrived before the lane does anything else; nil while it does.
        var expected: Int?
        var caller: CheckedContinuation<Void, Never>?
        var isOver = false

        /// The one who calls, when there is something to do for it.
        mutating func readyCaller() -> CheckedContinuation<Void, Never>? {
            guard isOver || isComplete else { return nil }
            defer { caller = nil }
            return caller
        }

        var isComplete: Bool { !waiting.isEmpty && waiting.count == expected }
    }

    private let state = Mutex(State())

    /// How many wait.
    var count: Int { state.withLock { $0.waiting.count } }

    private func change(_ body: (inout State) -> Void) {
        let caller = state.withLock { state in
            body(&state)
            return state.readyCaller()
        }
        caller?.resume()
    }

    func begin() { change { ($0.isOver, $0.expected) = (false, nil) } }

    /// Nobody comes any more.
    func end() { change { $0.isOver = true } }

    /// The lane waits for so many answers.
    func expect(_ count: Int) { change { $0.expected = count } }

    /// Returns when the one who waits here is called.
    func wait(_ key: UInt64) async {
        await withCheckedContinuation { continuation in
            change { state in
                state.waiting.append((key, continuation))
                state.waiting.sort { $0.key < $1.key }
            }
        }
    }

    /// Returns when all have arrived for whom the lane waits; false when nobody comes any more.
    func allWait() async -> Bool {
        await withCheckedContinuation { continuation in
            change { $0.caller = continuation }
        }
        return count > 0
    }

    /// Calls one of those who wait.
    func call(_ index: Int) {
        let called = state.withLock { state in
            state.expected = nil
            return state.waiting.remove(at: index)
        }
        called.continuation.resume()
    }
}
