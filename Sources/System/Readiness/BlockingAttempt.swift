import Dispatch
import Synchronization

/// A call that may block for longer than anybody wants to wait, such as a library's that asks a name server. It runs on a
/// thread of its own; whoever is first of the call, the clock and `giveUp` ends the attempt. What the call makes after
/// that is let go of.
public final class BlockingAttempt<Value, Failure: Error>: Sendable {
    public typealias Outcome = Result<Value, Failure>

    private enum State {
        case new
        case begun(CheckedContinuation<Outcome, Never>)
        /// With an error that came before it began.
        case over(Failure?)
    }

    private let state = Mutex(State.new)

    public init() {}

    /// For a call that can stop half-way.
    public var isOver: Bool { state.withLock { if case .over = $0 { true } else { false } } }

    /// Makes the call, once in an attempt's life.
    ///
    /// - Parameters:
    ///   - label: The thread's name.
    ///   - overdue: What the outcome is when the time is over first.
    public func outcome(
        label: String,
        timeout: Duration,
        overdue: Failure,
        of call: @escaping @Sendable () throws(Failure) -> sending Value
    ) async -> sending Outcome {
        let outcome = await withCheckedContinuation { waiter in
            guard start(waiter) else { return }
            // The attempt alone is kept until then, and it is nothing but an error by that time.
            DispatchQueue.global().asyncAfter(deadline: .now() + timeout.dispatchInterval) { self.giveUp(overdue) }
            DispatchQueue(label: label).async {
                do throws(Failure) {
                    self.end(.success(try call()))
                } catch {
                    self.giveUp(error)
                }
            }
        }
        // Whoever ended it has held the lock. The runtime tells the thread sanitizer nothing of a continuation that was
        // resumed before it is awaited (swift_continuation_await); this puts the value's making before its use.
        state.withLock { _ in }
        return outcome
    }

    /// Ends it with an error, if it has not ended.
    public func giveUp(_ error: Failure) {
        let waiter: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            switch state {
            case .new:
                state = .over(error)
                return nil
            case .begun(let waiter):
                state = .over(nil)
                return waiter
            case .over:
                return nil
            }
        }
        waiter?.resume(returning: .failure(error))
    }

    private func start(_ waiter: CheckedContinuation<Outcome, Never>) -> Bool {
        let error: Failure? = state.withLock { state in
            if case .over(let error) = state { return error }
            state = .begun(waiter)
            return nil
        }
        if let error { waiter.resume(returning: .failure(error)) }
        return error == nil
    }

    private func end(_ outcome: sending Outcome) {
        let waiter: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            defer { state = .over(nil) }
            if case .begun(let waiter) = state { return waiter }
            return nil
        }
        waiter?.resume(returning: outcome)
    }
}
