import Commerce
import ShopAPI
import Storage
import Testing

@Suite("What the upstreams have answered")
struct PushTests {
    @Test("GET /api/pushes links each order to its purchase and to its push, and says why it was refused")
    func orders() async throws {
        let (purchase, push) = (String(repeating: "a", count: 32), String(repeating: "b", count: 32))
        var settings = Bench.Settings()
        settings.settled = [
            SettledOrder(
                id: try #require(OrderID("01a2101c-7c3e-7219-bd43-505624d32522")),
                outcome: .rejected(reason: "There is no product 99 upstream."),
                settledAt: 1_795_377_791_123,
                pushTraceParent: "00-\(push)-00000000000000b1-01",
                total: Money(minorUnits: 150, currency: .jpy),
                date: 1_795_377_700_000,
                purchaseTraceParent: "00-\(purchase)-00000000000000a1-01"
            ),
            SettledOrder(
                id: try #require(OrderID("01a2101c-7c3e-7219-bd43-505624d32523")),
                outcome: .accepted,
                settledAt: 1_795_377_791_000,
                pushTraceParent: nil
            ),
        ]
        try await Bench.run(settings) { bench in
            let answer = try await bench.get("/api/pushes?limit=5")
            let expected = try json(
                """
                {"order_id":"01a2101c-7c3e-7219-bd43-505624d32522","outcome":"rejected",
                 "reason":"There is no product 99 upstream.","settled_at":"2026-11-22T20:03:11.123Z",
                 "order_date":"2026-11-22T20:01:40.000Z","total":150,"currency":"JPY",
                 "purchase_trace_id":"\(purchase)","push_trace_id":"\(push)","push_span_id":"00000000000000b1"}
                """
            )
            #expect(answer.json["orders"][0] == expected)
            #expect(answer.json["orders"][1]["reason"] == .null)
            #expect(answer.json["orders"][1].keys == expected.keys)
            #expect(answer.json["spans"].count == 0)
            #expect(try await bench.get("/api/pushes?limit=0").status == 422)
            #expect(try await bench.get("/api/pushes?order_id=x").status == 404)
        }
    }
}
