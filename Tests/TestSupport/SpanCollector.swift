public import ServiceTracing
import Synchronization

/// Keeps every span of every tracer it is given to. A service's own span has ended before its answer is sent, so that
/// whoever has the answer finds the span here.
public final class SpanCollector: SpanProcessor {
    private let kept = Mutex<[SpanData]>([])

    public init() {}

    public func onEnd(_ span: SpanData) { kept.withLock { $0.append(span) } }

    /// In the order they ended.
    public var spans: [SpanData] { kept.withLock { $0 } }

    /// The spans of one trace.
    public func trace(_ id: String) -> [SpanData] { spans.filter { $0.context.traceID.description == id } }

    /// The spans of a name.
    public func named(_ name: String) -> [SpanData] { spans.filter { $0.name == name } }

    public func removeAll() { kept.withLock { $0 = [] } }
}

extension SpanData {
    /// An attribute that is a text.
    public func text(_ key: String) -> String? {
        if case .string(let text)? = attributes[key] { text } else { nil }
    }

    /// An attribute that is a whole number.
    public func int(_ key: String) -> Int64? {
        if case .int(let number)? = attributes[key] { number } else { nil }
    }

    /// The sentence the span has failed with; nil when it has not.
    public var failure: String? {
        if case .error(let sentence) = outcome { sentence } else { nil }
    }
}

extension ServiceTracer {
    /// A tracer of a service whose spans the collector gets.
    public convenience init(_ service: String, _ collector: SpanCollector) {
        self.init(resource: Resource(attributes: ["service.name": .string(service)]), processor: collector)
    }
}
