public import HTTPTypes
public import Tracing

extension HTTPField.Name {
    /// W3C Trace Context level 2, section 4.2: the answer's own context.
    public static var traceresponse: Self { traceresponseName }
    /// W3C Baggage, section 3.
    public static var baggage: Self { baggageName }
}

// Made once: reading a name validates it, and these are read on every request. The first two are in HTTPTypes, which
// writes them capitalized; the specification asks for lowercase (section 3.2.1).
private let traceparentName = name("traceparent")
private let tracestateName = name("tracestate")
private let traceresponseName = name("traceresponse")
private let baggageName = name("baggage")

private func name(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a token") }
    return name
}

/// Reads the caller's trace context and baggage from a request's headers.
///
/// An invalid or repeated `traceparent` gives no parent (a new trace starts), and `tracestate` counts only beside a
/// valid one (W3C Trace Context level 2, section 4.3). Baggage stands by itself.
public func extractTraceContext(from headers: HTTPFields) -> InstrumentationContext {
    var context = InstrumentationContext.topLevel
    let parents = headers[values: .traceparent]
    if parents.count == 1, let parent = parents.first {
        let state = headers[values: .tracestate]
        context.spanContext = SpanContext(
            traceParent: parent,
            traceState: state.isEmpty ? .empty : TraceState(headers: state)
        )
    }
    let baggage = headers[values: .baggage]
    if !baggage.isEmpty { context.baggage = Baggage(headers: baggage) }
    return context
}

/// Writes a trace context and its baggage into the headers of an outgoing request, replacing what stands there.
/// Without a context given, the current task's is used; without any, the headers are left as they are.
public func propagateTraceContext(
    _ context: InstrumentationContext? = .current,
    into headers: inout HTTPFields
) {
    guard let context else { return }
    if let span = context.spanContext {
        headers[traceparentName] = span.traceParent
        headers[tracestateName] = span.traceState.header()
    }
    headers[.baggage] = context.baggage.header
}
