import HTTPTypes
public import Tracing

/// One service's tracer: its own resource over a processor shared by the whole process.
///
/// Handed to what needs it and never installed globally: a process-global tracer could not tell eight services in
/// one process apart.
///
/// A class, since every span holds its tracer: five fields to copy and three counts to raise and lower were 60 to 100 ns
/// of each span.
public final class ServiceTracer: Tracer {
    public let resource: Resource
    let clock: any TraceClock
    private let sampler: Sampler
    private let ids: IDGenerator
    private let processor: any SpanProcessor

    public init(
        resource: Resource,
        processor: any SpanProcessor,
        sampler: Sampler = .standard,
        ids: IDGenerator = IDGenerator(),
        clock: any TraceClock = SystemTraceClock()
    ) {
        self.resource = resource
        self.processor = processor
        self.sampler = sampler
        self.ids = ids
        self.clock = clock
    }

    /// Starts a span whose parent is the context's, or the root of a new trace.
    ///
    /// - Parameter suppressed: The span and all below it in this process are not recorded, whatever the sampler says,
    ///   unless the parent is sampled: for probes, so that watching the shop does not fill its buffer.
    public func startSpan(
        _ name: String,
        kind: SpanKind = .internal,
        context: InstrumentationContext? = .current,
        attributes: Attributes = [:],
        suppressed: Bool = false
    ) -> RecordedSpan {
        var context = context ?? .topLevel
        if suppressed { context.isSuppressed = true }
        return start(name, kind, context, attributes, at: (clock.wall, clock.monotonic))
    }

    /// Runs an operation in a span that is the context's child and the parent of what the operation starts. A thrown
    /// error marks the span as failed, unless the operation has already said how it ended.
    nonisolated(nonsending) public func withSpan<Result>(
        _ name: String,
        kind: SpanKind = .internal,
        context: InstrumentationContext? = .current,
        attributes: Attributes = [:],
        suppressed: Bool = false,
        _ operation: nonisolated(nonsending) (RecordedSpan) async throws -> Result
    ) async rethrows -> Result {
        let span = startSpan(name, kind: kind, context: context, attributes: attributes, suppressed: suppressed)
        defer { span.end() }
        do {
            return try await InstrumentationContext.$current.withValue(span.context) {
                try await operation(span)
            }
        } catch {
            span.failUnlessSaid(error)
            throw error
        }
    }

    /// The same for an operation that does not wait.
    public func withSpan<Result>(
        _ name: String,
        kind: SpanKind = .internal,
        context: InstrumentationContext? = .current,
        attributes: Attributes = [:],
        suppressed: Bool = false,
        _ operation: (RecordedSpan) throws -> Result
    ) rethrows -> Result {
        let span = startSpan(name, kind: kind, context: context, attributes: attributes, suppressed: suppressed)
        defer { span.end() }
        do {
            return try InstrumentationContext.$current.withValue(span.context) { try operation(span) }
        } catch {
            span.failUnlessSaid(error)
            throw error
        }
    }

    func finish(_ span: SpanData) {
        processor.onEnd(span)
    }

    private func start(
        _ name: String,
        _ kind: SpanKind,
        _ context: InstrumentationContext,
        _ attributes: Attributes,
        at now: (wall: UInt64, monotonic: UInt64)
    ) -> RecordedSpan {
        let parent = context.spanContext
        let traceID = parent?.traceID ?? ids.traceID()
        let sampled =
            context.isSuppressed ? parent?.isSampled ?? false : sampler.samples(traceID, parent: parent)
        // A root's id is random and says so, but for a probe's, whose flags are 00; further down the bit is the
        // parent's to give.
        var flags = parent?.flags.intersection(.random) ?? (context.isSuppressed ? [] : .random)
        if sampled { flags.insert(.sampled) }
        let start = RecordedSpan.Start(
            kind: kind,
            context: SpanContext(
                traceID: traceID,
                spanID: ids.spanID(),
                flags: flags,
                traceState: parent?.traceState ?? .empty
            ),
            parent: parent,
            surroundings: context,
            wall: now.wall,
            monotonic: now.monotonic
        )
        guard sampled else { return RecordedSpan(tracer: self, start: start, name: name, attributes: [:]) }
        var attributes = attributes
        for member in context.baggage.members where Self.baggageAttributes.contains(member.key) {
            let number = Self.numbers.contains(member.key) ? Int(member.value) : nil
            attributes[member.key] = number.map { .int($0) } ?? .string(member.value)
        }
        return RecordedSpan(tracer: self, start: start, name: name, attributes: attributes)
    }

    /// The members of the baggage that every service puts on its spans.
    private static let baggageAttributes = ["session.id", "synthetic_request", "service.demo_phase", "demo.minute"]
    /// Those of them that are numbers.
    private static let numbers = ["demo.minute"]
}

// What swift-distributed-tracing asks of a tracer, in its own words.
extension ServiceTracer {
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> InstrumentationContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> RecordedSpan {
        let (given, wall) = (instant().nanosecondsSinceEpoch, clock.wall)
        // A start in the past has a monotonic time in the past, so that the end is when it is.
        let monotonic = clock.monotonic &- (wall > given ? wall - given : 0)
        return start(operationName, kind, context(), [:], at: (given, monotonic))
    }

    /// Nothing waits here: the processor has every span as soon as it ends.
    public func forceFlush() {}

    /// What the carrier does not have stays as it is in the context (OpenTelemetry propagators API, *Extract*).
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout InstrumentationContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        var headers = HTTPFields()
        for name in [HTTPField.Name.traceparent, .tracestate, .baggage] {
            if let value = extractor.extract(key: name.canonicalName, from: carrier) { headers[name] = value }
        }
        let extracted = extractTraceContext(from: headers)
        if let parent = extracted.spanContext { context.spanContext = parent }
        if !extracted.baggage.members.isEmpty { context.baggage = extracted.baggage }
    }

    public func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        var headers = HTTPFields()
        propagateTraceContext(context, into: &headers)
        for field in headers { injector.inject(field.value, forKey: field.name.canonicalName, into: &carrier) }
    }
}

extension RecordedSpan {
    /// Marks the span as failed by a thrown error, unless it has already been given a status.
    func failUnlessSaid(_ error: any Error) {
        guard !hasStatus else { return }
        fail(error is CancellationError ? "cancelled" : String(reflecting: type(of: error)), String(describing: error))
    }
}
