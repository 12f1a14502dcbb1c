import CCurl
import HTTPTypes
import Synchronization

/// Names one request to the driver, and remembers a cancellation that came before the request did.
final class Ticket: Sendable {
    let isCancelled = Atomic(false)
}

/// A request on its way to the driver, and in its care until it is finished.
final class Submission: Sendable {
    typealias Continuation = CheckedContinuation<Result<IncomingResponse, HTTPTransportError>, Never>

    let ticket: Ticket
    let request: OutgoingRequest
    let target: TargetURL
    let continuation: Continuation
    let arrival: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant

    init(ticket: Ticket, request: OutgoingRequest, target: TargetURL, continuation: Continuation) {
        self.ticket = ticket
        self.request = request
        self.target = target
        self.continuation = continuation
        self.arrival = .now
        // A year is as good as for ever, and can be added to a time.
        self.deadline = arrival + min(request.timeout, .seconds(365 * 86_400))
    }

    /// The beginning of an error message about the request.
    var subject: String { "\(request.method.rawValue) to \(target.origin)" }
}

/// What the tasks that send and the driver's thread share: the only state both touch, behind one lock.
final class Mailbox: Sendable {
    /// What has arrived since the driver last looked.
    struct Delivery: Sendable {
        var submissions: [Submission] = []
        var cancellations: [Ticket] = []
        var isClosing = false
    }

    private enum Phase {
        case open, closing, ended
    }

    private struct State {
        var phase = Phase.open
        var unfinished = 0
        var delivery = Delivery()
        var isDriverAwake = false
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }

    /// The driver's multi handle. Other threads pass it to `curl_multi_wakeup`, the one function libcurl allows
    /// that for, under the lock and while the phase is open; the driver frees it only after it has seen the phase
    /// change under the same lock.
    nonisolated(unsafe) let multi: UnsafeMutableRawPointer

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int, waking multi: UnsafeMutableRawPointer) {
        self.capacity = capacity
        self.multi = multi
    }

    /// Hands a request to the driver, which resumes its continuation exactly once.
    ///
    /// - Returns: Why it was not taken, in which case the continuation is still the caller's; or nil.
    func submit(_ submission: Submission) -> HTTPTransportError? {
        state.withLock { state in
            guard state.phase == .open else { return HTTPTransportError(.shutDown, "The HTTP client is shut down.") }
            guard state.unfinished < capacity else {
                return HTTPTransportError(.tooManyRequests, "\(capacity) HTTP requests are already unfinished.")
            }
            state.unfinished += 1
            state.delivery.submissions.append(submission)
            wake(&state)
            return nil
        }
    }

    /// Asks the driver to give a request up; without effect on one that is finished.
    func cancel(_ ticket: Ticket) {
        ticket.isCancelled.store(true, ordering: .sequentiallyConsistent)
        state.withLock { state in
            guard state.phase == .open else { return }
            state.delivery.cancellations.append(ticket)
            wake(&state)
        }
    }

    /// Tells the driver to end. Idempotent.
    func close() {
        state.withLock { state in
            guard state.phase == .open else { return }
            wake(&state)
            state.phase = .closing
        }
    }

    /// Returns when the driver has ended.
    func waitUntilEnded() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if state.phase != .ended { state.endWaiters.append(continuation) }
                return state.phase == .ended
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// A signal is due only if the driver has looked since the last one; libcurl keeps it until the next poll.
    private func wake(_ state: inout State) {
        guard !state.isDriverAwake else { return }
        state.isDriverAwake = true
        curl_multi_wakeup(multi)
    }
}

/// The driver's side.
extension Mailbox {
    func takeDelivery() -> Delivery {
        state.withLock { state in
            var delivery = Delivery(isClosing: state.phase != .open)
            swap(&delivery.submissions, &state.delivery.submissions)
            swap(&delivery.cancellations, &state.delivery.cancellations)
            state.isDriverAwake = false
            return delivery
        }
    }

    /// Makes room for another request; called before the finished one's task is resumed.
    func noteFinished() {
        state.withLock { $0.unfinished -= 1 }
    }

    func noteEnded() {
        let waiters = state.withLock { state in
            state.phase = .ended
            return state.endWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
