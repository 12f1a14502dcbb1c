import Synchronization

/// What a span is to the backend.
enum SpanNature: Hashable, Sendable {
    case plain
    /// No request with it is read: 400.
    case malformed
    /// No request with it is small enough: 413.
    case tooLarge
    /// Refused inside a success.
    case unwanted
}

/// Knows of one edge's spans what must be true of them, from what was handed over, what was sent and what was answered:
/// the buffer's own books are held against it.
final class SpanOracle: Sendable {
    struct Recorded: Sendable {
        let span: ReceivedSpan
        let nature: SpanNature
    }

    struct State: Sendable {
        /// All that the buffer has taken over.
        var recorded: [UInt64: Recorded] = [:]
        /// Of these, what is not known to be on disk.
        var volatile: Set<UInt64> = []
        /// What is known to have been on disk.
        var written: Set<UInt64> = []
        /// What an answer was received for.
        var acknowledged: Set<UInt64> = []
        /// Of these, what the backend refused.
        var rejected: Set<UInt64> = []
        /// Of the acknowledged, those of which it is not known that the disk has the answer.
        var unfirm: Set<UInt64> = []
        /// What is known to be expired or quarantined.
        var settled: Set<UInt64> = []
        /// What has expired and may have been moved since, to be sent after all.
        var moved: Set<UInt64> = []
        /// On its way.
        var underWay: Set<UInt64> = []
    }

    private let state = Mutex(State())
    private let log: EventLog
    let name: String

    init(_ name: String, _ log: EventLog) { (self.name, self.log) = (name, log) }

    func withState<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

    func nature(of id: UInt64) -> SpanNature { state.withLock { $0.recorded[id]?.nature ?? .plain } }

    func violation(_ sentence: String) { log.violation("\(name): \(sentence)") }

    /// The buffer has taken a span over.
    func note(_ span: ReceivedSpan, _ nature: SpanNature) {
        state.withLock {
            $0.recorded[span.id] = Recorded(span: span, nature: nature)
            $0.volatile.insert(span.id)
        }
    }

    /// All that was taken over is on disk.
    func flushed() {
        state.withLock {
            $0.written.formUnion($0.volatile)
            $0.volatile = []
        }
    }

    /// A request is on its way.
    func sent(_ spans: [ReceivedSpan]) {
        let sentences = state.withLock { state in
            var sentences: [String] = []
            for span in spans {
                if !state.underWay.insert(span.id).inserted { sentences.append("a span is on its way twice at once") }
                guard let known = state.recorded[span.id] else {
                    sentences.append("a span was sent that nobody has recorded")
                    continue
                }
                let isMoved = state.moved.contains(span.id)
                let isSame = isMoved ? known.span.length == span.length : known.span == span
                if !isSame { sentences.append("a span was changed on its way") }
                if isMoved { state.settled.remove(span.id) }
                if state.acknowledged.contains(span.id) {
                    sentences.append("a span was sent again although its answer was received")
                }
                if state.settled.contains(span.id) { sentences.append("a span was sent that was given up") }
            }
            return sentences
        }
        sentences.forEach(violation)
    }

    /// Whatever came of it.
    func ended(_ spans: [ReceivedSpan]) { state.withLock { $0.underWay.subtract(spans.map(\.id)) } }

    /// An answer was received, by which the backend has taken the others.
    func acknowledge(_ spans: [ReceivedSpan], rejected: Set<UInt64>) {
        let aged = state.withLock { state in
            let ids = spans.map(\.id)
            state.acknowledged.formUnion(ids)
            state.unfirm.formUnion(ids)
            state.rejected.formUnion(rejected)
            return rejected.count { state.recorded[$0]?.nature == .plain }
        }
        if aged > 0 { violation("\(aged) spans were sent that are outside of the backend's window") }
    }
}
