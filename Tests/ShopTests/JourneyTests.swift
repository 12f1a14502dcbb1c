import FoundationEssentials
import HTTPClient
import HTTPTypes
import OTLP
import ServiceTracing
import Shop
import ShopAPI
import TelemetryBuffer
import Testing
import TraceShape

@Suite(.serialized) struct JourneyTests {
    @Test func `every journey of a run is one whole trace of the shape its fixture says`() async throws {
        let shapes = try TraceShape.fixture()
        try await EdgeShop.run { shop in
            let answer = try await shop.post(
                .loadGenerator,
                "/admin/generate-traffic?wait=true",
                #"{"duration_seconds": 2, "requests_per_minute": 1200}"#
            )
            #expect(answer.status == .ok)
            let run: [String: JSONValue] = try answer.json()
            #expect(run["status"] == "complete")
            #expect(run["errors"] == 0)
            #expect(run["requests_generated"] == 40)
        } after: { shop in
            let traces = try await shop.traces.traces(TraceFilter(limit: 1000))
                .filter { $0.rootService == "load-generator" && $0.rootName.hasPrefix("journey ") }
            #expect(traces.count == 40)
            var seen: Set<String> = []
            for trace in traces {
                let journey = String(trace.rootName.dropFirst("journey ".count))
                let shape = try #require(shapes[journey])
                let spans = try await shop.traces.trace(trace.traceID)
                #expect(TraceShape.differences(shape, spans.map { TraceShape.Span($0) }) == [])
                for span in spans {
                    let attributes = try span.decoded().attributes
                    #expect(attributes["session.id"] != nil)
                    #expect(attributes["synthetic_request"] == "true")
                }
                seen.insert(journey)
            }
            #expect(seen == Set(shapes.keys))
        }
    }

    @Test func `more shoppers at once than there are connections all get what they came for`() async throws {
        try await EdgeShop.run { shop in
            let crowd = try CurlClient(configuration: .init(maximumConnections: 128, maximumConnectionsPerHost: 128))
            let url = shop.options.localURL(of: .loadGenerator) + "/api/checkout"
            let answers = await withTaskGroup(of: HTTPResponse.Status?.self) { group in
                for _ in 0..<128 {
                    group.addTask {
                        try? await crowd.send(OutgoingRequest(method: .post, url: url, timeout: .seconds(120))).status
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            await crowd.shutDown()
            #expect(answers.count { $0 == .ok } == 128)
        }
    }

    @Test func `the demo mode that is set is what every service says it runs in`() async throws {
        try await EdgeShop.run { shop in
            let set = try await shop.post(.loadGenerator, "/admin/demo-mode", #"{"mode": "blackfriday"}"#)
            #expect(set.status == .ok)
            // Services follow by themselves; ask until the last one has.
            let all = try await shop.modes { modes in Set(modes.values) == ["blackfriday"] }
            #expect(Set(all.keys).isSuperset(of: ["cart", "checkout", "product-catalog", "load-generator"]))
        }
    }
}

extension EdgeShop {
    /// What each service says it runs in, asked again until it is as expected.
    fileprivate func modes(until isExpected: ([String: String]) -> Bool) async throws -> [String: String] {
        struct Answer: Decodable {
            let services: [String: String]
        }
        while true {
            let answer: Answer = try await get(.loadGenerator, "/admin/demo-mode").json()
            if isExpected(answer.services) { return answer.services }
            try Task.checkCancellation()
        }
    }
}

extension TraceShape.Span {
    fileprivate init(_ span: StoredSpan) {
        self.init(
            traceID: span.traceID.description,
            spanID: span.spanID.description,
            parentID: span.parentSpanID?.description,
            service: span.service,
            name: span.name,
            kind: "\(span.kind)",
            isError: span.status == .error
        )
    }
}
