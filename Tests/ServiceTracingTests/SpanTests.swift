import Testing
import Tracing

@testable import ServiceTracing

@Suite struct SpanTests {
    private let bench = Bench()
    private var ended: SpanData? { bench.recorder.spans.first }

    @Test func `a span ends once`() {
        let span = bench.tracer.startSpan("a")
        #expect(bench.recorder.spans.isEmpty)
        span.end()
        span.end()
        span.end(at: Instant(nanosecondsSinceEpoch: 9_000_000))
        #expect(bench.recorder.spans.count == 1)
    }

    @Test func `many threads ending a span end it once`() async {
        let span = bench.tracer.startSpan("a")
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<64 {
                group.addTask {
                    span.set("k\(index)", .int(index))
                    span.end()
                }
            }
        }
        #expect(bench.recorder.spans.count == 1)
    }

    @Test func `what is done after the end is ignored`() {
        let span = bench.tracer.startSpan("a", attributes: ["k": 1])
        #expect(span.isRecording)
        span.end()
        #expect(!span.isRecording)
        span.set("k", 2)
        span.set(["l": 3])
        span.attributes = [:]
        span.operationName = "b"
        span.addEvent("late")
        span.addLink(to: span.spanContext)
        span.fail("late", "late")
        span.recordError(Refused())
        span.setStatus(SpanStatus(code: .ok))
        #expect(span.operationName == "a")
        #expect(span.attributes.count == 1)
        #expect(!span.hasStatus)
        #expect(ended?.attributes == ["k": 1])
    }

    @Test func `an unsampled span keeps nothing and is handed to no one`() {
        let off = Bench(sampler: .alwaysOff)
        let span = off.tracer.startSpan("a", attributes: ["k": 1])
        #expect(!span.isRecording)
        span.set("l", 2)
        span.addEvent("e")
        span.fail("x", "y")
        span.recordError(Refused())
        #expect(span.attributes.isEmpty)
        #expect(!span.hasStatus)
        span.end()
        #expect(off.recorder.spans.isEmpty)
    }

    @Test func `a span says who made it, what it is and whose child`() throws {
        let parent = try #require(
            SpanContext(traceParent: traceparent("03").1, traceState: TraceState(headers: ["a=1"]))
        )
        let server = bench.tracer.startSpan("GET /", kind: .server, context: InstrumentationContext(parent))
        let inner = bench.tracer.startSpan("SELECT products", kind: .client, context: server.context)
        inner.end()
        server.end()
        let (child, top) = try (#require(ended), #require(bench.recorder.spans.last))
        #expect(top.resource === bench.tracer.resource)
        #expect((top.name, top.kind) == ("GET /", .server))
        #expect(top.context.traceID == parent.traceID)
        #expect(top.parentSpanID == parent.spanID)
        #expect(top.parentIsRemote && !top.context.isRemote)
        #expect(top.context.traceState == parent.traceState)
        #expect(top.context.flags == [.sampled, .random])
        #expect(child.parentSpanID == top.context.spanID)
        #expect(child.kind == .client && !child.parentIsRemote)
        #expect(child.context.traceState == parent.traceState)
    }

    @Test func `a root has no parent`() {
        bench.tracer.startSpan("a", context: nil).end()
        #expect(ended?.parentSpanID == nil)
        #expect(ended?.parentIsRemote == false)
    }

    @Test func `links and events are kept to 128 and the rest is counted`() throws {
        let order = try #require(SpanContext(traceParent: traceparent().1))
        let span = bench.tracer.startSpan("sync")
        for index in 0..<130 {
            span.addLink(to: order, ["i": .int(index)])
            span.addEvent("e\(index)")
        }
        span.end()
        #expect(ended?.links.count == 128 && ended?.droppedLinks == 2)
        #expect(ended?.events.count == 128 && ended?.droppedEvents == 2)
        #expect(ended?.links.first == Link(context: order, attributes: ["i": 0]))
    }

    @Test func `durations and events' times are of the monotonic clock while the wall clock steps back`() {
        let span = bench.tracer.startSpan("a")
        bench.clock.advance(1_000)
        bench.clock.setWall(10)
        span.addEvent("first")
        bench.clock.advance(500)
        span.recordError(Refused())
        bench.clock.advance(500)
        span.end()
        #expect(ended?.startTime == 1_000_000)
        #expect(ended?.events.map(\.time) == [1_001_000, 1_001_500])
        #expect(ended?.endTime == 1_002_000)
    }

    @Test func `nor does a wall clock set forward lengthen a span`() {
        let span = bench.tracer.startSpan("a")
        bench.clock.advance(7)
        bench.clock.setWall(3_600_000_000_000)
        span.end()
        #expect(ended?.endTime == 1_000_007)
    }

    @Test func `an end given is kept; one before the start is the monotonic clock's to say`() {
        let given = bench.tracer.startSpan("given")
        given.end(at: Instant(nanosecondsSinceEpoch: 1_000_005))
        let back = bench.tracer.startSpan("back")
        bench.clock.advance(40)
        back.end(at: Instant(nanosecondsSinceEpoch: 3))
        #expect(bench.recorder.named("given")?.endTime == 1_000_005)
        #expect(bench.recorder.named("back")?.endTime == 1_000_040)
    }

    @Test func `a failure is a status and a class`() {
        let span = bench.tracer.startSpan("a")
        #expect(!span.hasStatus)
        span.fail("declined", "the card was declined")
        span.end()
        #expect(ended?.outcome == .error("the card was declined"))
        #expect(ended?.attributes["error.type"] == "declined")
    }

    @Test func `ok is final`() {
        let span = bench.tracer.startSpan("a")
        span.setStatus(SpanStatus(code: .error, message: "at first"))
        span.setStatus(SpanStatus(code: .ok, message: "ignored"))
        span.fail("x", "y")
        span.setStatus(SpanStatus(code: .error, message: "z"))
        span.end()
        #expect(ended?.outcome == .ok)
        #expect(ended?.attributes["error.type"] == nil)
    }

    @Test func `an error without a message leaves an earlier sentence standing`() {
        let span = bench.tracer.startSpan("a")
        span.setStatus(SpanStatus(code: .error))
        span.setStatus(SpanStatus(code: .error, message: "out of stock"))
        span.setStatus(SpanStatus(code: .error))
        span.end()
        #expect(ended?.outcome == .error("out of stock"))
    }

    @Test func `a sentence is bounded`() {
        let span = bench.tracer.startSpan("a")
        span.fail("x", String(repeating: "é", count: 10_000))
        span.end()
        #expect(ended?.outcome == .error(String(repeating: "é", count: 2048)))
    }

    @Test func `attributes can be set, merged, replaced and the name changed`() {
        let span = bench.tracer.startSpan("GET", attributes: ["z": 1, "y": 2])
        span.set("x", 3)
        span.set(["y": "two", "w": true])
        span.operationName = "GET /products"
        span.updateAttributes { attributes in
            attributes["z"] = nil
            attributes["b"] = "new"
            attributes["a"] = "newer"
        }
        span.end()
        #expect(ended?.name == "GET /products")
        #expect(ended?.attributes == ["y": "two", "x": 3, "w": true, "a": "newer", "b": "new"])
    }

    @Test func `a full span refuses a new attribute, whatever its name, and keeps the old`() {
        let span = bench.tracer.startSpan("a")
        for index in 0..<128 { span.set("k\(index)", .int(index)) }
        span.attributes["a"] = "first of all by name"
        span.end()
        #expect(ended?.attributes["a"] == nil)
        #expect(ended?.attributes["k99"] == 99)
        #expect(ended?.attributes.dropped == 1)
    }
}
