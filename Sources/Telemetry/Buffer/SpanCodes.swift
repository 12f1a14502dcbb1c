import ServiceTracing
import Tracing

/// OTLP's numbers for a span's kind, as the column keeps them (trace.proto, `SpanKind`).
enum SpanKindCode: Int64, Sendable {
    case `internal` = 1
    case server = 2
    case client = 3
    case producer = 4
    case consumer = 5

    init(_ kind: SpanKind) {
        switch kind {
        case .internal: self = .internal
        case .server: self = .server
        case .client: self = .client
        case .producer: self = .producer
        case .consumer: self = .consumer
        }
    }

    var kind: SpanKind {
        switch self {
        case .internal: .internal
        case .server: .server
        case .client: .client
        case .producer: .producer
        case .consumer: .consumer
        }
    }
}

/// How a span ended, by OTLP's numbers (trace.proto, `StatusCode`); the sentence is in the payload.
public enum SpanStatusCode: Int64, Hashable, Sendable {
    case unset = 0
    case ok = 1
    case error = 2

    init(_ outcome: SpanOutcome) {
        switch outcome {
        case .unset: self = .unset
        case .ok: self = .ok
        case .error: self = .error
        }
    }
}
