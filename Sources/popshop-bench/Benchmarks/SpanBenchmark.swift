import Logging
import ServiceTracing
import TelemetryBuffer
import Tracing

/// What a span costs the request that makes it: from its start to its place in the buffer's queue.
enum SpanBenchmark {
    private static let batch = 4_000
    private static let batches = 75

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let buffer = try SpanBuffer(directory: workplace.newPath("telemetry"), logger: Logger(label: "bench"))
        let tracer = ServiceTracer(resource: Samples.resource, processor: buffer)
        // Drained between batches, so that the writer is not at work while the clock runs.
        try await measure(tracer, buffer, report, "span, 10 attributes one by one") { tracer, context in
            let span = tracer.startSpan("GET /products/{id}", kind: .server, context: context)
            for attribute in Samples.attributes.all { span.set(attribute.key, attribute.value) }
            span.end()
        }
        try await measure(tracer, buffer, report, "span, 10 attributes at once") { tracer, context in
            tracer.startSpan(
                "GET /products/{id}",
                kind: .server,
                context: context,
                attributes: Samples.attributes
            ).end()
        }
        await buffer.close()
    }

    private static func measure(
        _ tracer: ServiceTracer,
        _ buffer: SpanBuffer,
        _ report: (Figure) -> Void,
        _ name: String,
        _ make: (ServiceTracer, InstrumentationContext) -> Void
    ) async throws {
        let context = tracer.startSpan("parent", context: .topLevel).context
        var samples: [Double] = []
        // The first batches warm the caches and are not counted.
        for number in -5..<batches {
            let begun = ContinuousClock.now
            for _ in 0..<batch { make(tracer, context) }
            let nanoseconds = (ContinuousClock.now - begun).seconds * 1e9 / Double(batch)
            if number >= 0 { samples.append(nanoseconds) }
            try await buffer.flush()
        }
        report(Figure(name, "ns/span", better: .lower, samples, goal: 1_500))
    }
}
