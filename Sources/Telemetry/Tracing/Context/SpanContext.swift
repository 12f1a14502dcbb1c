public import Tracing

/// The part of a span that travels: W3C Trace Context level 2.
public struct SpanContext: Hashable, Sendable {
    public let traceID: TraceID
    public let spanID: SpanID
    public let flags: TraceFlags
    public let traceState: TraceState
    /// True when it came over the wire, false when the span is of this process.
    public let isRemote: Bool

    /// A context built by hand, where no header exists: an order's row keeps its `traceparent`, so what is done
    /// hours later can be linked to the purchase.
    public init(
        traceID: TraceID,
        spanID: SpanID,
        flags: TraceFlags = [.sampled, .random],
        traceState: TraceState = .empty,
        isRemote: Bool = false
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.traceState = traceState
        self.isRemote = isRemote
    }

    /// Reads a `traceparent` value; nil when the specification calls it invalid. The result is remote.
    public init?(traceParent: String, traceState: TraceState = .empty) {
        guard let (traceID, spanID, flags) = TraceParent.parse(traceParent) else { return nil }
        self.init(traceID: traceID, spanID: spanID, flags: flags, traceState: traceState, isRemote: true)
    }

    /// The value of a `traceparent` or `traceresponse` header: version 00, 55 characters.
    public var traceParent: String { TraceParent.format(traceID, spanID, flags) }

    /// Whether the span is recorded.
    public var isSampled: Bool { flags.contains(.sampled) }
}

private enum SpanContextKey: InstrumentationContextKey {
    typealias Value = SpanContext
}

private enum BaggageKey: InstrumentationContextKey {
    typealias Value = Baggage
}

private enum SuppressedKey: InstrumentationContextKey {
    typealias Value = Bool
}

extension InstrumentationContext {
    /// Whether roots, and what is below an unsampled span, are not recorded here whatever the sampler says.
    public internal(set) var isSuppressed: Bool {
        get { self[SuppressedKey.self] ?? false }
        set { self[SuppressedKey.self] = newValue ? true : nil }
    }

    /// The span that is the parent of what is started in this context.
    public var spanContext: SpanContext? {
        get { self[SpanContextKey.self] }
        set { self[SpanContextKey.self] = newValue }
    }

    /// What travels beside the trace; empty when nothing does.
    public var baggage: Baggage {
        get { self[BaggageKey.self] ?? Baggage() }
        set { self[BaggageKey.self] = newValue.members.isEmpty ? nil : newValue }
    }

    /// A context whose parent is the given span: the third pattern, built by hand from the ids.
    public init(_ spanContext: SpanContext, baggage: Baggage = Baggage()) {
        self = .topLevel
        self.spanContext = spanContext
        self.baggage = baggage
    }
}
