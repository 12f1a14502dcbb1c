import Assets
import Fixtures
import FoundationEssentials
public import ServiceTracing
import Tracing

/// What the trace of a journey must look like, whatever its ids and times: `fixtures/expected-traces.json`.
///
/// Spans are known by `service: span name`. That an edge is there says nothing of how often: a cart of three lines has
/// the same shape as a cart of one.
public struct TraceShape: Decodable, Hashable, Sendable {
    /// A parent, its child, and the child's kind as the console's JSON writes it.
    public struct Edge: Decodable, Hashable, Sendable, CustomStringConvertible {
        public let from: String
        public let to: String
        public let kind: String
        /// Whether it need not be there: a wait for a connection, a delivery from the supplier.
        public let isOptional: Bool

        public init(from: String, to: String, kind: String, isOptional: Bool = false) {
            self.from = from
            self.to = to
            self.kind = kind
            self.isOptional = isOptional
        }

        private enum CodingKeys: String, CodingKey {
            case from, to, kind
            case isOptional = "optional"
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            from = try container.decode(String.self, forKey: .from)
            to = try container.decode(String.self, forKey: .to)
            kind = try container.decode(String.self, forKey: .kind)
            isOptional = try container.decodeIfPresent(Bool.self, forKey: .isOptional) ?? false
        }

        public var description: String { "\(from) -> \(to) (\(kind))" }
    }

    public let journey: String
    /// The span without a parent.
    public let root: String
    public let services: [String]
    public let edges: [Edge]

    public init(journey: String, root: String, services: [String], edges: [Edge]) {
        self.journey = journey
        self.root = root
        self.services = services
        self.edges = edges
    }

    /// The shape of every journey, by its name.
    ///
    /// - Throws: `FixtureError`, `DecodingError`.
    public static func fixture() throws -> [String: TraceShape] {
        struct File: Decodable {
            let traces: [TraceShape]
        }
        guard let asset = Asset.at("fixtures/expected-traces.json") else {
            throw FixtureError(file: "expected-traces.json", problem: "it was not compiled in")
        }
        let shapes = try JSONDecoder().decode(File.self, from: Data(asset.bytes)).traces
        return Dictionary(uniqueKeysWithValues: shapes.map { ($0.journey, $0) })
    }
}

extension TraceShape {
    /// A span as far as its trace's shape is concerned, from wherever it was read.
    public struct Span: Hashable, Sendable {
        public let traceID: String
        public let spanID: String
        /// Nil for the root.
        public let parentID: String?
        public let service: String
        public let name: String
        /// As the console's JSON writes it.
        public let kind: String
        public let isError: Bool

        public init(
            traceID: String,
            spanID: String,
            parentID: String?,
            service: String,
            name: String,
            kind: String,
            isError: Bool = false
        ) {
            self.traceID = traceID
            self.spanID = spanID
            self.parentID = parentID
            self.service = service
            self.name = name
            self.kind = kind
            self.isError = isError
        }

        /// A span as a tracer hands it to its processor.
        public init(_ span: SpanData) {
            let isError = if case .error = span.outcome { true } else { false }
            self.init(
                traceID: span.context.traceID.description,
                spanID: span.context.spanID.description,
                parentID: span.parentSpanID?.description,
                service: span.resource.serviceName,
                name: span.name,
                kind: "\(span.kind)",
                isError: isError
            )
        }

        var label: String { "\(service): \(name)" }
    }

    /// What is wrong with a trace, a sentence each; nothing when it is as expected.
    public static func differences(_ expected: TraceShape, _ spans: [Span]) -> [String] {
        guard !spans.isEmpty else { return ["there are no spans"] }
        return problems(of: spans) + roots(expected, spans) + services(expected, spans) + edges(expected, spans)
    }

    private static func problems(of spans: [Span]) -> [String] {
        let traces = Set(spans.map(\.traceID))
        let ids = Set(spans.map(\.spanID))
        var problems: [String] = []
        if traces.count > 1 { problems.append("the spans are of \(traces.count) traces") }
        if ids.count < spans.count { problems.append("\(spans.count - ids.count) span ids come twice") }
        for span in spans {
            if let parent = span.parentID, !ids.contains(parent) {
                problems.append("the parent of \(span.label) is not in the trace")
            }
            if span.isError { problems.append("\(span.label) has failed") }
        }
        return problems
    }

    private static func roots(_ expected: TraceShape, _ spans: [Span]) -> [String] {
        let roots = spans.filter { $0.parentID == nil }.map(\.label).sorted()
        return roots == [expected.root] ? [] : ["the roots are \(roots) and not \(expected.root)"]
    }

    private static func services(_ expected: TraceShape, _ spans: [Span]) -> [String] {
        let (wanted, found) = (Set(expected.services), Set(spans.map(\.service)))
        return wanted.subtracting(found).sorted().map { "\($0) does not appear" }
            + found.subtracting(wanted).sorted().map { "\($0) appears unexpectedly" }
    }

    private static func edges(_ expected: TraceShape, _ spans: [Span]) -> [String] {
        let labels = Dictionary(spans.map { ($0.spanID, $0.label) }) { first, _ in first }
        let found = Set(
            spans.compactMap { span in
                span.parentID.flatMap { labels[$0] }.map { Edge(from: $0, to: span.label, kind: span.kind) }
            }
        )
        let required = Set(expected.edges.filter { !$0.isOptional })
        let known = Set(expected.edges.map { Edge(from: $0.from, to: $0.to, kind: $0.kind) })
        return required.subtracting(found).map { "\($0) is missing" }.sorted()
            + found.subtracting(known).map { "\($0) is unexpected" }.sorted()
    }
}
