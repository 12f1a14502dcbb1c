import HTTPClient
import HTTPTypes
import ServiceTracing
import Testing

@testable import OTLP
@testable import Sync

@Suite struct IngressProbeTests {
    private func probe(_ answer: FakeIngress.Answer, key: String = "s3cret-key") async -> (IngressProbe, FakeIngress) {
        let ingress = FakeIngress { _ in answer }
        let probe = await IngressProbe.send(
            to: SpanUpstream(url: "https://ingress.test/v1/traces", key: .fixed(key)),
            transport: ingress,
            resource: Resource(attributes: ["service.name": "sync"]),
            clock: ManualClock()
        )
        return (probe, ingress)
    }

    @Test func `one span is sent, of the trace that is named, with the key`() async throws {
        let (probe, ingress) = await probe(.ok())
        #expect(probe.outcome == .taken(warning: ""))
        let delivery = try #require(ingress.seen.first)
        #expect(ingress.seen.count == 1 && delivery.ids.count == 1 && delivery.services == ["sync"])
        #expect(delivery.headers[.authorization] == "Bearer s3cret-key")
        let trace = delivery.spans[0].traceID.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(trace == probe.traceID.description)
    }

    @Test(
        arguments: [.ok(rejected: 1, "no"), .status(401), .status(403), .status(404), .status(400)]
            as [FakeIngress.Answer]
    )
    func `what needs a person is refused`(answer: FakeIngress.Answer) async {
        guard case .refused(let reason) = await probe(answer).0.outcome else { Issue.record("not refused"); return }
        #expect(!reason.isEmpty && !reason.contains("s3cret-key"))
    }

    @Test(arguments: [.page(), .status(503), .fails(.connect), .fails(.timeout)] as [FakeIngress.Answer])
    func `what may pass by itself proves nothing`(answer: FakeIngress.Answer) async {
        guard case .unanswered = await probe(answer).0.outcome else { Issue.record("answered"); return }
    }

    @Test func `a key that no header may carry is refused before anything is sent`() async {
        let (probe, ingress) = await probe(.ok(), key: "two\nlines")
        guard case .refused = probe.outcome else { Issue.record("not refused"); return }
        #expect(ingress.seen.isEmpty)
    }
}
