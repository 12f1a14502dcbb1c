import Glibc
import Synchronization

/// Wakes the task that waits for a descriptor: when something has come on it, when it can be written again, and when
/// somebody says so, such as a timer or a cancellation.
///
/// The task itself then reads and writes, on whatever thread it runs: nothing is handed from queue to queue, and no thread
/// is blocked. Edge-triggered (epoll(7)): whoever is woken must take all that has come before he waits again.
public final class Readiness: Sendable {
    private struct State {
        /// Something has happened since the last wait.
        var hasNews = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let poller: Poller
    private let number: UInt64
    /// A duplicate: the owner may close its own at any moment, and open another under the same number.
    private let descriptor: Int32

    /// Begins to watch a descriptor, until the last reference is gone.
    ///
    /// - Parameter isWriting: Also tells when it can be written.
    /// - Returns: Nil when the process has no descriptor left, or the system grants no thread.
    public init?(_ descriptor: Int32, isWriting: Bool = false) {
        guard let poller = Poller.shared else { return nil }
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        (self.poller, self.descriptor) = (poller, copy)
        number = poller.nextNumber()
        guard poller.watch(self, number, copy, isWriting: isWriting) else { return nil }
    }

    deinit { poller.forget(number, descriptor) }

    /// Returns when something has happened since it last returned; at once if that has been. One task at a time.
    public func wait() async {
        await withCheckedContinuation { hand in
            let isDue = state.withLock { state in
                defer { state.hasNews = false }
                if state.hasNews { return true }
                state.waiter = hand
                return false
            }
            if isDue { hand.resume() }
        }
    }

    /// Ends the wait, or the next one if nobody waits.
    public func wake() {
        let hand = state.withLock { state in
            defer { state.waiter = nil }
            state.hasNews = state.waiter == nil
            return state.waiter
        }
        hand?.resume()
    }

    /// Whether there is nothing to be read. Asks the kernel only when something has happened since the last wait.
    public var isQuiet: Bool {
        let hasNews = state.withLock { state in
            defer { state.hasNews = false }
            return state.hasNews
        }
        guard hasNews else { return true }
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 0) != 0 else { return true }
        state.withLock { $0.hasNews = true }
        return false
    }

    /// Also tells when the descriptor can be written, or no longer.
    public func setWriting(_ isWriting: Bool) { poller.change(number, descriptor, isWriting: isWriting) }
}
