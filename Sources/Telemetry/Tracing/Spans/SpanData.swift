public import Tracing

/// A moment within a span.
public struct Event: Hashable, Sendable {
    public let name: String
    /// Nanoseconds since 1970, UTC.
    public let time: UInt64
    public let attributes: Attributes

    public init(name: String, time: UInt64, attributes: Attributes = [:]) {
        self.name = name
        self.time = time
        self.attributes = attributes
    }
}

/// A pointer from one span to another, in this trace or another.
public struct Link: Hashable, Sendable {
    public let context: SpanContext
    public let attributes: Attributes

    public init(context: SpanContext, attributes: Attributes = [:]) {
        self.context = context
        self.attributes = attributes
    }
}

/// How a span ended (OpenTelemetry trace API, *Set Status*).
public enum SpanOutcome: Hashable, Sendable {
    case unset
    case ok
    /// With a sentence for people, without secrets.
    case error(String)
}

/// A span that has ended: what a tracer hands to its processor, and what becomes a row and an upload.
public struct SpanData: Sendable {
    public let name: String
    public let kind: SpanKind
    public let context: SpanContext
    /// Nil for the root of a trace.
    public let parentSpanID: SpanID?
    /// Whether the parent is of another process or service.
    public let parentIsRemote: Bool
    /// Nanoseconds since 1970, UTC.
    public let startTime: UInt64
    /// Nanoseconds since 1970, UTC: the start plus a duration of the monotonic clock, so never before it.
    public let endTime: UInt64
    public let attributes: Attributes
    public let events: [Event]
    public let droppedEvents: Int
    public let links: [Link]
    public let droppedLinks: Int
    public let outcome: SpanOutcome
    /// Who made it.
    public let resource: Resource

    public init(
        name: String,
        kind: SpanKind = .internal,
        context: SpanContext,
        parentSpanID: SpanID? = nil,
        parentIsRemote: Bool = false,
        startTime: UInt64,
        endTime: UInt64,
        attributes: Attributes = [:],
        events: [Event] = [],
        droppedEvents: Int = 0,
        links: [Link] = [],
        droppedLinks: Int = 0,
        outcome: SpanOutcome = .unset,
        resource: Resource
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parentSpanID = parentSpanID
        self.parentIsRemote = parentIsRemote
        self.startTime = startTime
        self.endTime = endTime
        self.attributes = attributes
        self.events = events
        self.droppedEvents = droppedEvents
        self.links = links
        self.droppedLinks = droppedLinks
        self.outcome = outcome
        self.resource = resource
    }
}

/// What takes spans when they end. It is called on the request's own path, so it must neither block nor throw.
public protocol SpanProcessor: Sendable {
    func onEnd(_ span: SpanData)
}
