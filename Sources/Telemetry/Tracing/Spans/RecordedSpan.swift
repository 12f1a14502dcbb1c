import Synchronization
public import Tracing

/// A span under way. Everything set on it after `end()` is ignored; a span that is not sampled keeps nothing.
public final class RecordedSpan: Tracing.Span {
    struct Start: Sendable {
        let kind: SpanKind
        let context: SpanContext
        let parent: SpanContext?
        let surroundings: InstrumentationContext
        let wall: UInt64
        let monotonic: UInt64
    }

    struct State {
        var name: String
        var attributes: Attributes
        var events: [Event] = []
        var droppedEvents = 0
        var links: [Link] = []
        var droppedLinks = 0
        var outcome = SpanOutcome.unset
        var ended = false
    }

    /// `OTEL_SPAN_EVENT_COUNT_LIMIT` and `OTEL_SPAN_LINK_COUNT_LIMIT`'s default (SDK specification, *Span Limits*).
    static let limit = 128

    private let tracer: ServiceTracer
    private let start: Start
    private let state: Mutex<State>

    init(tracer: ServiceTracer, start: Start, name: String, attributes: Attributes) {
        self.tracer = tracer
        self.start = start
        state = Mutex(State(name: name, attributes: attributes))
    }

    /// The span's ids and flags, as they travel.
    public var spanContext: SpanContext { start.context }

    /// The context in which this span is the parent.
    public var context: InstrumentationContext {
        var context = start.surroundings
        context.spanContext = start.context
        return context
    }

    /// False when the span is not sampled or has ended.
    public var isRecording: Bool { start.context.isSampled && state.withLock { !$0.ended } }

    /// Whether the span has been given a status.
    var hasStatus: Bool { state.withLock { $0.outcome != .unset } }

    /// The span's name.
    public var operationName: String {
        get { state.withLock { $0.name } }
        set { record { $0.name = newValue } }
    }

    /// Sets an attribute, replacing one of the same key.
    public func set(_ key: String, _ value: AttributeValue) {
        record { $0.attributes[key] = value }
    }

    /// Sets several attributes at once.
    public func set(_ attributes: Attributes) {
        record { $0.attributes.merge(attributes) }
    }

    /// Adds a moment, now.
    public func addEvent(_ name: String, _ attributes: Attributes = [:]) {
        addEvent(Event(name: name, time: now, attributes: attributes))
    }

    /// Adds a pointer to another span.
    public func addLink(to context: SpanContext, _ attributes: Attributes = [:]) {
        record { state in
            if state.links.count < Self.limit {
                state.links.append(Link(context: context, attributes: attributes))
            } else {
                state.droppedLinks += 1
            }
        }
    }

    /// Marks the span as failed: status *error* with the sentence, and `error.type` with the class of the failure.
    /// A span that was said to be *ok* stays so (OpenTelemetry trace API, *Set Status*).
    public func fail(_ type: String, _ sentence: String) {
        record { state in
            guard state.outcome != .ok else { return }
            state.outcome = .error(Attributes.cut(sentence))
            state.attributes["error.type"] = .string(type)
        }
    }

    /// Ends the span now and hands it to the tracer's processor. Only the first call counts.
    public func end() {
        finish(at: nil)
    }

    private func addEvent(_ event: Event) {
        record { state in
            if state.events.count < Self.limit { state.events.append(event) } else { state.droppedEvents += 1 }
        }
    }

    /// The start's wall time plus what the monotonic clock says has passed.
    private var now: UInt64 { start.wall &+ (tracer.clock.monotonic &- start.monotonic) }

    /// An end before the start is a wall clock that was set back meanwhile; the monotonic one knows better.
    private func endTime(_ given: UInt64?) -> UInt64 {
        if let given, given >= start.wall { return given }
        return max(now, start.wall)
    }

    private func record(_ change: (inout State) -> Void) {
        guard start.context.isSampled else { return }
        state.withLock { state in
            if !state.ended { change(&state) }
        }
    }

    private func finish(at time: UInt64?) {
        guard start.context.isSampled else { return }
        let ended: State? = state.withLock { state in
            if state.ended { return nil }
            state.ended = true
            return state
        }
        guard let ended else { return }
        tracer.finish(
            SpanData(
                name: ended.name,
                kind: start.kind,
                context: start.context,
                parentSpanID: start.parent?.spanID,
                parentIsRemote: start.parent?.isRemote ?? false,
                startTime: start.wall,
                endTime: endTime(time),
                attributes: ended.attributes,
                events: ended.events,
                droppedEvents: ended.droppedEvents,
                links: ended.links,
                droppedLinks: ended.droppedLinks,
                outcome: ended.outcome,
                resource: tracer.resource
            )
        )
    }
}

// What swift-distributed-tracing asks of a span, in its own words.
extension RecordedSpan {
    /// *Ok* is final, and an error without a message leaves an earlier one's sentence standing.
    public func setStatus(_ status: SpanStatus) {
        record { state in
            switch (status.code, state.outcome) {
            case (.ok, _): state.outcome = .ok
            case (.error, .ok): break
            case (.error, .error) where status.message == nil: break
            case (.error, _): state.outcome = .error(Attributes.cut(status.message ?? ""))
            }
        }
    }

    public func addEvent(_ event: SpanEvent) {
        addEvent(
            Event(name: event.name, time: event.nanosecondsSinceEpoch, attributes: Attributes(event.attributes))
        )
    }

    public func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        recordError(error, attributes, at: instant().nanosecondsSinceEpoch)
    }

    /// Adds the error as an event, now, and sets `error.type`; the status stays as it is.
    public func recordError(_ error: any Error, attributes: SpanAttributes = [:]) {
        recordError(error, attributes, at: now)
    }

    private func recordError(_ error: any Error, _ attributes: SpanAttributes, at time: UInt64) {
        guard isRecording else { return }
        var attributes = Attributes(attributes)
        attributes["exception.type"] = .string(String(reflecting: type(of: error)))
        attributes["exception.message"] = .string(String(describing: error))
        addEvent(Event(name: "exception", time: time, attributes: attributes))
        record { state in
            if state.attributes["error.type"] == nil {
                state.attributes["error.type"] = .string(String(reflecting: type(of: error)))
            }
        }
    }

    public var attributes: SpanAttributes {
        get { SpanAttributes(state.withLock { $0.attributes }) }
        set { record { $0.attributes.replace(with: newValue) } }
    }

    public func addLink(_ link: SpanLink) {
        guard let context = link.context.spanContext else { return }
        addLink(to: context, Attributes(link.attributes))
    }

    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        finish(at: instant().nanosecondsSinceEpoch)
    }
}
