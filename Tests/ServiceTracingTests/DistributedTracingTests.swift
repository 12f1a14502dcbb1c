import Testing
import Tracing

@testable import ServiceTracing

/// swift-distributed-tracing's own words, as a framework that knows only its protocols uses them.
@Suite struct DistributedTracingTests {
    private struct Headers: Extractor, Injector {
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    }

    private let bench = Bench()

    @Test func `startSpan and end take the instants given`() throws {
        let span = bench.tracer.startSpan(
            "job",
            context: .topLevel,
            ofKind: .consumer,
            at: Instant(nanosecondsSinceEpoch: 2_000_000),
            function: "f",
            file: "file",
            line: 1
        )
        span.end(at: Instant(nanosecondsSinceEpoch: 2_000_100))
        let ended = try #require(bench.recorder.spans.first)
        #expect((ended.name, ended.kind) == ("job", .consumer))
        #expect((ended.startTime, ended.endTime) == (2_000_000, 2_000_100))
        #expect(ended.parentSpanID == nil)
    }

    @Test func `a span started in the past ends now`() {
        bench.clock.advance(5_000)
        let span = bench.tracer.startSpan("late", at: Instant(nanosecondsSinceEpoch: 1_000_000))
        bench.clock.advance(70)
        span.addEvent("e")
        span.end()
        #expect(bench.recorder.spans.first?.startTime == 1_000_000)
        #expect(bench.recorder.spans.first?.events.first?.time == 1_005_070)
        #expect(bench.recorder.spans.first?.endTime == 1_005_070)
    }

    @Test func `a framework's withSpan records the error, the status and the parent`() async throws {
        func framework(_ tracer: some Tracer) async throws {
            try await tracer.withSpan("outer", ofKind: .server) { _ in
                await Task.yield()
                try tracer.withSpan("inner") { _ in throw Refused() }
            }
        }
        await #expect(throws: Refused.self) { try await framework(bench.tracer) }
        let inner = try #require(bench.recorder.named("inner"))
        #expect(inner.outcome == .error(""))
        #expect(inner.attributes["error.type"] == "ServiceTracingTests.Refused")
        #expect(inner.events.map(\.name) == ["exception"])
        #expect(inner.events.first?.attributes["exception.message"] == "Refused()")
        #expect(inner.parentSpanID == bench.recorder.named("outer")?.context.spanID)
        #expect(inner.endTime >= inner.startTime)
    }

    @Test func `inject and extract carry a context through any carrier`() throws {
        let span = bench.tracer.startSpan("a")
        var context = span.context
        context.baggage["session.id"] = "é"
        var carrier = ["traceparent": "stale", "other": "1"]
        bench.tracer.inject(context, into: &carrier, using: Headers())
        #expect(
            carrier == ["traceparent": span.spanContext.traceParent, "baggage": "session.id=%C3%A9", "other": "1"]
        )
        var read = InstrumentationContext.topLevel
        bench.tracer.extract(carrier, into: &read, using: Headers())
        #expect(read.spanContext?.spanID == span.spanContext.spanID)
        #expect(read.spanContext?.isRemote == true)
        #expect(read.baggage == context.baggage)
    }

    @Test func `tracestate is carried too, and only beside a traceparent`() {
        var context = InstrumentationContext.topLevel
        bench.tracer.extract(["tracestate": "a=1"], into: &context, using: Headers())
        #expect(context.isEmpty)
        let carrier = ["traceparent": traceparent().1, "tracestate": "a=1"]
        bench.tracer.extract(carrier, into: &context, using: Headers())
        var out: [String: String] = [:]
        bench.tracer.inject(context, into: &out, using: Headers())
        #expect(out == carrier)
    }

    @Test func `what the carrier does not have stays as it is in the context`() throws {
        var context = InstrumentationContext(try #require(SpanContext(traceParent: traceparent().1)))
        context.baggage["a"] = "1"
        bench.tracer.extract(["traceparent": "nonsense"], into: &context, using: Headers())
        #expect(context.spanContext?.traceParent == traceparent().1)
        #expect(context.baggage["a"] == "1")
        var nothing: [String: String] = [:]
        bench.tracer.inject(.topLevel, into: &nothing, using: Headers())
        #expect(nothing.isEmpty)
    }

    @Test func `recordError adds an event at its instant and the class, and leaves the status`() {
        let span = bench.tracer.startSpan("a")
        span.recordError(Refused(), attributes: ["try": 1], at: Instant(nanosecondsSinceEpoch: 77))
        span.end()
        let ended = bench.recorder.spans.first
        #expect(
            ended?.events == [
                Event(
                    name: "exception",
                    time: 77,
                    attributes: [
                        "try": 1, "exception.type": "ServiceTracingTests.Refused", "exception.message": "Refused()",
                    ]
                )
            ]
        )
        #expect(ended?.attributes["error.type"] == "ServiceTracingTests.Refused")
        #expect(ended?.outcome == .unset)
    }

    @Test func `recordError does not replace a class already said`() {
        let span = bench.tracer.startSpan("a", attributes: ["error.type": "timeout"])
        span.recordError(Refused())
        span.end()
        #expect(bench.recorder.spans.first?.attributes["error.type"] == "timeout")
    }

    @Test func `its events and links become ours`() throws {
        let other = bench.tracer.startSpan("other", context: nil)
        let span = bench.tracer.startSpan("a", context: nil)
        span.addEvent(SpanEvent(name: "e", at: Instant(nanosecondsSinceEpoch: 5), attributes: ["k": "v"]))
        span.addLink(SpanLink(context: other.context, attributes: ["why": "batch"]))
        span.addLink(SpanLink(context: .topLevel, attributes: [:]))
        span.end()
        let ended = try #require(bench.recorder.spans.first)
        #expect(ended.events == [Event(name: "e", time: 5, attributes: ["k": "v"])])
        #expect(ended.links == [Link(context: other.spanContext, attributes: ["why": "batch"])])
    }

    @Test func `a tracer erased to any Tracer works`() {
        let tracer: any Tracer = bench.tracer
        let span = tracer.startAnySpan("any", ofKind: .producer)
        span.attributes["k"] = 1
        span.end()
        #expect(bench.recorder.spans.first?.attributes == ["k": 1])
        #expect(bench.recorder.spans.first?.kind == .producer)
    }
}
