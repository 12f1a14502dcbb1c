import Synchronization

/// The bounded queue between the request path and the disk. Nothing in it waits for I/O.
///
/// A list of chunks, each one transaction: to take one is a move of pointers, however many wait.
final class SpanQueue: Sendable {
    /// So many share a transaction at most, and when so many wait they are written at once.
    static let chunkSpans = 4_096

    enum Admission: Equatable {
        case accepted
        /// Refused, the queue being full or closed; `first` of its episode, which is the one to be logged.
        case dropped(first: Bool)
    }

    private struct Waiter {
        let threshold: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var full: [[EncodedSpan]] = []
        var open: [EncodedSpan] = []
        /// Waiting, or taken and not yet on disk: what the bounds are held against.
        var heldSpans = 0
        var heldBytes = 0
        var accepted = 0
        var dropped = 0
        var inEpisode = false
        var isClosed = false
        var waiter: Waiter?

        var waiting: Int { full.count * SpanQueue.chunkSpans + open.count }
    }

    private let state = Mutex(State())
    private let maxSpans: Int
    private let maxBytes: Int

    init(maxSpans: Int, maxBytes: Int) {
        self.maxSpans = maxSpans
        self.maxBytes = maxBytes
    }

    /// How many were ever accepted.
    var accepted: Int { state.withLock { $0.accepted } }
    /// How many were refused.
    var dropped: Int { state.withLock { $0.dropped } }
    /// How many wait, or were taken and are not yet on disk.
    var held: Int { state.withLock { $0.heldSpans } }

    func append(_ span: EncodedSpan) -> Admission {
        let bytes = span.footprint
        let (admission, waiter) = state.withLock { state -> (Admission, Waiter?) in
            guard !state.isClosed, state.heldSpans < maxSpans, state.heldBytes + bytes <= maxBytes else {
                defer { state.inEpisode = true }
                state.dropped += 1
                return (.dropped(first: !state.inEpisode), nil)
            }
            state.heldSpans += 1
            state.heldBytes += bytes
            state.accepted += 1
            state.open.append(span)
            if state.open.count == Self.chunkSpans {
                state.full.append(state.open)
                state.open = []
            }
            return (.accepted, Self.takeWaiter(&state))
        }
        waiter?.continuation.resume()
        return admission
    }

    /// The oldest chunk; empty when nothing waits.
    func take() -> [EncodedSpan] {
        state.withLock { state in
            if !state.full.isEmpty { return state.full.removeFirst() }
            defer { state.open = [] }
            return state.open
        }
    }

    /// Spans that were taken are on disk, or given up: there is room again.
    func release(_ spans: ArraySlice<EncodedSpan>) {
        let bytes = spans.reduce(0) { $0 + $1.footprint }
        state.withLock { state in
            state.heldSpans -= spans.count
            state.heldBytes -= bytes
            // Half empty, so that a queue at its brim is one episode and not one for every span.
            if state.heldSpans <= maxSpans / 2 && state.heldBytes <= maxBytes / 2 { state.inEpisode = false }
        }
    }

    /// Counts spans that were accepted and could not be written to the end.
    func giveUp(_ spans: ArraySlice<EncodedSpan>) {
        release(spans)
        state.withLock { $0.dropped += spans.count }
    }

    /// What comes from now on is refused.
    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            return Self.takeWaiter(&state)
        }
        waiter?.continuation.resume()
    }

    /// Returns when so many wait, when the queue is closed or when the task is cancelled. One caller at a time.
    func wait(for threshold: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.waiting >= threshold || state.isClosed || Task.isCancelled { return true }
                    precondition(state.waiter == nil, "a span buffer is run once")
                    state.waiter = Waiter(threshold: threshold, continuation: continuation)
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.continuation.resume()
        }
    }

    /// The waiter, when what it waits for is there.
    private static func takeWaiter(_ state: inout State) -> Waiter? {
        guard let waiter = state.waiter, state.isClosed || state.waiting >= waiter.threshold else { return nil }
        state.waiter = nil
        return waiter
    }
}
