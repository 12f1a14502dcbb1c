import HTTPTypes
import Synchronization
import Tracing

@testable import ServiceTracing

/// Keeps what a tracer hands over.
final class Recorder: SpanProcessor {
    private let kept = Mutex<[SpanData]>([])

    func onEnd(_ span: SpanData) { kept.withLock { $0.append(span) } }

    /// In the order they ended.
    var spans: [SpanData] { kept.withLock { $0 } }

    func named(_ name: String) -> SpanData? { spans.first { $0.name == name } }
}

/// Clocks set by hand.
final class ManualClock: TraceClock {
    private let times = Mutex<(wall: UInt64, monotonic: UInt64)>((1_000_000, 500))

    var wall: UInt64 { times.withLock { $0.wall } }
    var monotonic: UInt64 { times.withLock { $0.monotonic } }

    /// Time passes on both clocks.
    func advance(_ nanoseconds: UInt64) {
        times.withLock { $0 = ($0.wall + nanoseconds, $0.monotonic + nanoseconds) }
    }

    /// Someone sets the wall clock.
    func setWall(_ nanoseconds: UInt64) { times.withLock { $0.wall = nanoseconds } }
}

/// A tracer whose spans can be looked at.
struct Bench {
    let recorder = Recorder()
    let clock = ManualClock()
    let tracer: ServiceTracer

    init(_ service: String = "catalog", sampler: Sampler = .standard, seed: UInt64 = 1) {
        tracer = ServiceTracer(
            resource: Resource(attributes: ["service.name": .string(service)]),
            processor: recorder,
            sampler: sampler,
            ids: IDGenerator(seed: seed),
            clock: clock
        )
    }
}

/// Nanoseconds since 1970, as swift-distributed-tracing passes them.
typealias Instant = DefaultTracerClock.Timestamp

struct Refused: Error {}

let parentTrace = "12345678901234567890123456789012"
let parentSpan = "1234567890123456"

func traceparent(_ flags: String = "01") -> (String, String) {
    ("traceparent", "00-\(parentTrace)-\(parentSpan)-\(flags)")
}

func fields(_ headers: [(String, String)]) -> HTTPFields {
    var fields = HTTPFields()
    for (name, value) in headers {
        if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
    }
    return fields
}

/// What a service sends on when it has been sent these headers: a server span, and in it a client span a call, as the
/// W3C suite's harness sees a service.
struct Hop {
    let calls: [HTTPFields]

    init(_ headers: [(String, String)], calls count: Int = 1, sampler: Sampler = .standard) {
        let tracer = Bench(sampler: sampler).tracer
        let server = tracer.startSpan("GET /", kind: .server, context: extractTraceContext(from: fields(headers)))
        calls = (0..<count).map { _ in
            let client = tracer.startSpan("GET", kind: .client, context: server.context)
            var headers = HTTPFields()
            propagateTraceContext(client.context, into: &headers)
            client.end()
            return headers
        }
        server.end()
    }

    var traceparent: String { calls.first?[.traceparent] ?? "" }
    var parent: SpanContext? { SpanContext(traceParent: traceparent) }
    var traceID: String { parent?.traceID.description ?? "" }
    var flags: String { String(traceparent.suffix(2)) }
    var tracestate: String? { calls.first?[.tracestate] }
    /// The members sent on; empty when the header was dropped.
    var members: [String] { tracestate?.split(separator: ",").map(String.init) ?? [] }
    var baggage: String? { calls.first?[.baggage] }

    /// The trace goes on: same trace, another span.
    var continues: Bool { traceID == parentTrace && parent?.spanID.description != parentSpan }
    /// A valid `traceparent` of a trace of its own.
    var restarts: Bool { parent != nil && traceID != parentTrace }
}

/// Random bytes that like the characters a parser looks for.
struct Garbage {
    private var generator: Xoshiro256

    init(seed: UInt64) { generator = Xoshiro256(seed: seed) }

    mutating func text(from alphabet: [UInt8], upTo length: Int) -> String {
        let count = Int.random(in: 0...length, using: &generator)
        return String(decoding: (0..<count).map { _ in pick(alphabet) }, as: UTF8.self)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    mutating func bits() -> UInt64 { generator.next() }

    /// The text with a few bytes replaced, removed or put in.
    mutating func mutate(_ text: String) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<number(1...4) {
            let at = number(0...bytes.count)
            switch number(0...2) {
            case 0 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: bits())
            case 1 where at < bytes.count: bytes.remove(at: at)
            default: bytes.insert(pick(Array(",=;%@- \t0af\u{7f}".utf8)), at: at)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
