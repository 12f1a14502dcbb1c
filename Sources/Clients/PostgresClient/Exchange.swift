import Readiness
import Synchronization

/// One exchange with the server, as those see it who may end the wait for its answer: a timer, a cancelled task, the
/// thread that has asked the server to cancel. One that comes late finds an exchange that nobody waits for.
final class Exchange: Sendable {
    /// What ends the wait for an answer before it has come.
    enum Interruption {
        case timeout, cancelled
        /// It is not to be cancelled, and has had the time that there is.
        case abandoned
    }

    private struct State {
        var interruption: Interruption?
        var isCancelReturned = true
    }

    private let state = Mutex(State())
    private let readiness: Readiness

    init(_ readiness: Readiness) { self.readiness = readiness }

    func interrupt(_ reason: Interruption) {
        state.withLock { $0.interruption = reason }
        readiness.wake()
    }

    func takeInterruption() -> Interruption? { state.withLock { $0.interruption.take() } }

    var isCancelReturned: Bool { state.withLock { $0.isCancelReturned } }

    func beginCancel() { state.withLock { $0.isCancelReturned = false } }

    func cancelHasReturned() {
        state.withLock { $0.isCancelReturned = true }
        readiness.wake()
    }
}
