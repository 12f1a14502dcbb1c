import HTTPTypes
import ShopAPI
import Testing
import TraceShape

@testable import LoadGeneratorService

@Suite struct TraceShapeTests {
    private let shape = TraceShape(
        journey: "look",
        root: "load-generator: journey look",
        services: ["load-generator", "ad"],
        edges: [
            .init(from: "load-generator: journey look", to: "load-generator: GET /ads", kind: "client"),
            .init(from: "load-generator: GET /ads", to: "ad: GET /ads", kind: "server"),
            .init(from: "ad: GET /ads", to: "ad: wait", kind: "internal", isOptional: true),
        ]
    )

    private func span(
        _ id: String,
        under parent: String?,
        _ service: String,
        _ name: String,
        _ kind: String,
        trace: String = "t",
        isError: Bool = false
    ) -> TraceShape.Span {
        TraceShape.Span(
            traceID: trace,
            spanID: id,
            parentID: parent,
            service: service,
            name: name,
            kind: kind,
            isError: isError
        )
    }

    private var spans: [TraceShape.Span] {
        [
            span("1", under: nil, "load-generator", "journey look", "internal"),
            span("2", under: "1", "load-generator", "GET /ads", "client"),
            span("3", under: "2", "ad", "GET /ads", "server"),
        ]
    }

    @Test func aTraceOfTheShapeHasNoDifferences() {
        #expect(TraceShape.differences(shape, spans) == [])
        #expect(TraceShape.differences(shape, spans.reversed()) == [])
        #expect(TraceShape.differences(shape, spans + [span("4", under: "3", "ad", "wait", "internal")]) == [])
        let again = [
            span("5", under: "1", "load-generator", "GET /ads", "client"),
            span("6", under: "5", "ad", "GET /ads", "server"),
        ]
        #expect(TraceShape.differences(shape, spans + again) == [])
    }

    @Test func everyDifferenceIsNamed() {
        #expect(TraceShape.differences(shape, []) == ["there are no spans"])
        #expect(
            TraceShape.differences(shape, Array(spans.dropLast())) == [
                "ad does not appear", "load-generator: GET /ads -> ad: GET /ads (server) is missing",
            ]
        )
        #expect(
            TraceShape.differences(shape, Array(spans.dropFirst())) == [
                "the parent of load-generator: GET /ads is not in the trace",
                "the roots are [] and not load-generator: journey look",
                "load-generator: journey look -> load-generator: GET /ads (client) is missing",
            ]
        )
        #expect(
            TraceShape.differences(shape, spans + [span("4", under: "3", "cart", "GET /cart", "client")]) == [
                "cart appears unexpectedly", "ad: GET /ads -> cart: GET /cart (client) is unexpected",
            ]
        )
        #expect(
            TraceShape.differences(shape, spans + [span("4", under: "3", "ad", "wait", "internal", trace: "u")]) == [
                "the spans are of 2 traces"
            ]
        )
        #expect(
            TraceShape.differences(shape, spans + [span("3", under: "3", "ad", "wait", "internal", isError: true)])
                == ["1 span ids come twice", "ad: wait has failed"]
        )
    }

    @Test func aChildOfAnotherKindIsAnotherEdge() {
        var wrong = spans
        wrong[2] = span("3", under: "2", "ad", "GET /ads", "client")
        #expect(
            TraceShape.differences(shape, wrong) == [
                "load-generator: GET /ads -> ad: GET /ads (server) is missing",
                "load-generator: GET /ads -> ad: GET /ads (client) is unexpected",
            ]
        )
    }

    /// The fixture and the journeys are two files: what the one's steps call must be in the other.
    @Test func everyJourneyHasAShapeThatItsStepsFit() throws {
        let shapes = try TraceShape.fixture()
        let planner = JourneyPlanner(book: try .fixture(), seed: 1)
        #expect(shapes.keys.sorted() == ["browse", "browse_and_cart", "checkout"])
        for (name, shape) in shapes {
            #expect(shape.root == "load-generator: journey \(name)")
            let called = Set(
                planner.plan(0, journey: name).steps.map { "load-generator: \($0.method.rawValue) \($0.template)" }
            )
            #expect(Set(shape.edges.filter { $0.from == shape.root }.map(\.to)) == called)
            for edge in shape.edges {
                let service = String(edge.from.prefix { $0 != ":" })
                #expect(shape.services.contains(service), "\(service)")
                #expect(
                    edge.from == shape.root || shape.edges.contains { $0.to == edge.from },
                    "\(edge) hangs in the air"
                )
            }
            #expect(Set(shape.services).isSubset(of: Set(ServiceName.allCases.map(\.rawValue))))
        }
    }
}
