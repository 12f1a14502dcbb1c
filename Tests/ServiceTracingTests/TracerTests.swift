import HTTPTypes
import Logging
import Testing
import Tracing

@testable import ServiceTracing

@Suite struct TracerTests {
    private let bench = Bench()
    private var recorder: Recorder { bench.recorder }

    @Test func `withSpan nests by the task's own context`() async throws {
        let tracer = bench.tracer
        #expect(InstrumentationContext.current == nil)
        let result = await tracer.withSpan("outer", kind: .server) { outer in
            #expect(InstrumentationContext.current?.spanContext == outer.spanContext)
            return await tracer.withSpan("inner") { inner in
                await Task.yield()
                #expect(InstrumentationContext.current?.spanContext == inner.spanContext)
                tracer.startSpan("leaf").end()
                return 42
            }
        }
        #expect(result == 42)
        #expect(InstrumentationContext.current == nil)
        #expect(recorder.spans.map(\.name) == ["leaf", "inner", "outer"])
        let (inner, outer) = try (#require(recorder.named("inner")), #require(recorder.named("outer")))
        #expect(recorder.named("leaf")?.parentSpanID == inner.context.spanID)
        #expect(inner.parentSpanID == outer.context.spanID)
        #expect(outer.parentSpanID == nil)
        #expect(Set(recorder.spans.map(\.context.traceID)).count == 1)
    }

    @Test func `withSpan without waiting nests the same`() throws {
        let tracer = bench.tracer
        func work() throws -> Int {
            try tracer.withSpan("outer") { _ in
                try tracer.withSpan("inner", attributes: ["k": 1]) { _ in throw Refused() }
            }
        }
        #expect(throws: Refused.self) { try work() }
        let inner = try #require(recorder.named("inner"))
        #expect(inner.parentSpanID == recorder.named("outer")?.context.spanID)
        #expect(inner.attributes["k"] == 1)
        #expect(inner.outcome == .error("Refused()"))
        #expect(recorder.named("outer")?.outcome == .error("Refused()"))
        #expect(inner.events.isEmpty)
    }

    @Test func `siblings at the same time are children of one parent`() async throws {
        let tracer = bench.tracer
        await tracer.withSpan("parent") { _ in
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask {
                        await tracer.withSpan("child \(index)") { child in
                            await Task.yield()
                            #expect(InstrumentationContext.current?.spanContext == child.spanContext)
                            tracer.startSpan("leaf \(index)").end()
                        }
                    }
                }
            }
        }
        let parent = try #require(recorder.named("parent"))
        #expect(recorder.spans.count == 101)
        for index in 0..<50 {
            let child = try #require(recorder.named("child \(index)"))
            #expect(child.parentSpanID == parent.context.spanID)
            #expect(recorder.named("leaf \(index)")?.parentSpanID == child.context.spanID)
        }
        #expect(Set(recorder.spans.map(\.context.spanID)).count == 101)
        #expect(Set(recorder.spans.map(\.context.traceID)).count == 1)
    }

    @Test func `a thrown error marks the span, unless the operation has said how it ended`() {
        let tracer = bench.tracer
        try? tracer.withSpan("thrown") { _ in throw Refused() }
        try? tracer.withSpan("said") { span in
            span.fail("declined", "no funds")
            throw Refused()
        }
        try? tracer.withSpan("fine") { span in
            span.setStatus(SpanStatus(code: .ok))
            throw Refused()
        }
        try? tracer.withSpan("cancelled") { _ in throw CancellationError() }
        #expect(recorder.named("thrown")?.outcome == .error("Refused()"))
        #expect(recorder.named("thrown")?.attributes["error.type"] == "ServiceTracingTests.Refused")
        #expect(recorder.named("said")?.outcome == .error("no funds"))
        #expect(recorder.named("said")?.attributes["error.type"] == "declined")
        #expect(recorder.named("fine")?.outcome == .ok)
        #expect(recorder.named("cancelled")?.attributes["error.type"] == "cancelled")
    }

    @Test func `withSpan takes up a caller's context and its baggage`() async throws {
        let tracer = bench.tracer
        let context = extractTraceContext(from: fields([traceparent(), ("baggage", "session.id=7")]))
        let sent = await tracer.withSpan("GET /", kind: .server, context: context) { _ in
            await Task.yield()
            var headers = HTTPFields()
            propagateTraceContext(into: &headers)
            return headers
        }
        let server = try #require(recorder.named("GET /"))
        #expect(server.parentSpanID?.description == parentSpan)
        #expect(server.parentIsRemote)
        #expect(sent[.traceparent] == server.context.traceParent)
        #expect(sent[.baggage] == "session.id=7")
    }

    @Test func `an unsampled trace still travels`() async throws {
        let tracer = bench.tracer
        let context = extractTraceContext(from: fields([traceparent("00")]))
        let span = tracer.startSpan("a", context: context)
        #expect(span.spanContext.traceID.description == parentTrace)
        #expect(span.spanContext.traceParent.hasSuffix("-00"))
        span.end()
        #expect(recorder.spans.isEmpty)
    }

    @Test(arguments: [Sampler.standard, .alwaysOn])
    func `a suppressed root and all below it are not recorded, whatever the sampler says`(sampler: Sampler) async {
        let bench = Bench(sampler: sampler)
        await bench.tracer.withSpan("GET /health", suppressed: true) { probe in
            #expect(!probe.isRecording)
            await bench.tracer.withSpan("SELECT 1") { inner in
                await Task.yield()
                #expect(!inner.spanContext.isSampled)
                #expect(inner.spanContext.traceID == probe.spanContext.traceID)
            }
        }
        #expect(bench.recorder.spans.isEmpty)
        bench.tracer.startSpan("after").end()
        #expect(bench.recorder.spans.count == 1)
    }

    @Test func `suppressing gives way to a sampled parent, keeps a random flag, and gives a root flags 00`() throws {
        let sampled = try #require(SpanContext(traceParent: traceparent("03").1))
        let not = try #require(SpanContext(traceParent: traceparent("02").1))
        let tracer = bench.tracer
        #expect(tracer.startSpan("a", context: InstrumentationContext(sampled), suppressed: true).isRecording)
        let quiet = tracer.startSpan("b", context: InstrumentationContext(not), suppressed: true)
        #expect(quiet.spanContext.flags == .random)
        #expect(tracer.startSpan("c", context: nil, suppressed: true).spanContext.flags == [])
    }

    @Test func `services in one process keep their own resources`() {
        let (cart, payment) = (Bench("cart", seed: 1), Bench("payment", seed: 2))
        cart.tracer.withSpan("checkout") { _ in
            payment.tracer.startSpan("charge").end()
        }
        #expect(payment.recorder.named("charge")?.resource.serviceName == "payment")
        #expect(payment.recorder.named("charge")?.parentSpanID == cart.recorder.named("checkout")?.context.spanID)
    }

    @Test func `what a day later is linked to the purchase by its kept traceparent`() throws {
        let purchase = bench.tracer.startSpan("checkout")
        let row = purchase.spanContext.traceParent
        purchase.end()
        let sync = bench.tracer.startSpan("sync")
        sync.addLink(to: try #require(SpanContext(traceParent: row)))
        sync.end()
        let link = try #require(recorder.named("sync")?.links.first)
        #expect(link.context.traceID == purchase.spanContext.traceID)
        #expect(link.context.spanID == purchase.spanContext.spanID)
        #expect(sync.spanContext.traceID != purchase.spanContext.traceID)
    }

    @Test func `log lines carry the current span's ids`() async {
        let provider = Logger.MetadataProvider.traceContext
        #expect(provider.get().isEmpty)
        await bench.tracer.withSpan("a") { span in
            await Task.yield()
            #expect(
                provider.get() == [
                    "trace_id": "\(span.spanContext.traceID)", "span_id": "\(span.spanContext.spanID)",
                ]
            )
        }
        #expect(provider.get().isEmpty)
    }

    @Test func `the machine's clocks go on`() {
        let clock = SystemTraceClock()
        let (wall, monotonic) = (clock.wall, clock.monotonic)
        #expect(wall > 1_500_000_000_000_000_000, "nanoseconds since 1970")
        #expect(clock.monotonic >= monotonic)
    }
}
