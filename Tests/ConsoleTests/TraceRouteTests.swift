import ConsoleAPI
import HTTPTypes
import OTLP
import ServiceTracing
import ShopAPI
import TelemetryBuffer
import Testing

@Suite("The trace routes")
struct TraceRouteTests {
    @Test("GET /api/traces is the contract's shape, newest first")
    func list() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let answer = try await bench.get("/api/traces")
            #expect(answer.status == 200)
            #expect(answer.json["traces"].count == 3)
            let expected = try json(
                """
                {"trace_id":"00000000000000010000000000000001","root_name":"journey checkout",
                 "root_service":"load-generator","start_time":"2026-11-22T20:03:11.123456789Z","duration_ms":900,
                 "span_count":4,"services":["checkout","load-generator"],"error":true,"rooted":true}
                """
            )
            #expect(answer.json["traces"][2] == expected)
        }
    }

    @Test(
        "The list is narrowed by what is asked",
        arguments: [
            ("service=checkout", ["1"]), ("service=nobody", []), ("min_duration_ms=15", ["3", "1"]),
            ("error=true", ["1"]), ("error=false", ["3", "2", "1"]), ("limit=1", ["3"]),
            ("limit=2&min_duration_ms=12.5", ["3", "1"]),
            ("service=product-catalog&before=2026-11-22T21:03:12Z", ["2"]),
            ("before=1795377791123456790", ["1"]), ("before=1795377791123456789", []),
            ("before=2026-11-22T22:03:12%2B01:00", ["2", "1"]), ("before=1970-01-01T00:00:00Z", []),
        ] as [(String, [String])]
    )
    func filters(query: String, expected: [String]) async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let answer = try await bench.get("/api/traces?\(query)")
            let ids = (0..<max(0, answer.json["traces"].count)).map { place -> String in
                let id = answer.json["traces"][place]["trace_id"].text ?? ""
                return String(id.prefix(16).drop { $0 == "0" })
            }
            #expect(answer.status == 200)
            #expect(ids == expected)
        }
    }

    @Test("The last row's start_time asks for the next page")
    func paging() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            var (before, ids) = ("", [String]())
            for _ in 0..<4 {
                let page = try await bench.get("/api/traces?limit=1\(before)").json["traces"][0]
                guard let id = page["trace_id"].text, let start = page["start_time"].text else { break }
                ids.append(id)
                before = "&before=\(start)"
            }
            #expect(ids.map { $0.prefix(16).suffix(1) } == ["3", "2", "1"])
        }
    }

    @Test(
        "What cannot be read is a 400, what is out of range a 422",
        arguments: [
            ("/api/traces?limit=x", 400), ("/api/traces?limit=0", 422), ("/api/traces?limit=1001", 422),
            ("/api/traces?min_duration_ms=fast", 400), ("/api/traces?min_duration_ms=-1", 422),
            ("/api/traces?min_duration_ms=nan", 422), ("/api/traces?error=maybe", 400),
            ("/api/traces?before=yesterday", 400), ("/api/traces?before=2026-11-22", 400),
            ("/api/traces?before=2026-02-30T00:00:00Z", 422), ("/api/traces?before=1969-12-31T23:59:59Z", 422),
            ("/api/traces?before=99999999999999999999", 422), ("/api/traces?before=9999-01-01T00:00:00Z", 422),
            ("/api/traces/xyz", 400), ("/api/traces/00000000000000000000000000000000", 400),
            ("/api/traces/0000000000000001", 400), ("/api/traces/0000000000000007000000000000000f", 404),
            ("/api/service-map?minutes=0", 422), ("/api/service-map?minutes=1441", 422),
            ("/api/service-map?minutes=ten", 400), ("/api/nothing", 404),
        ]
    )
    func badInput(path: String, status: Int) async throws {
        try await Bench.run { bench in
            let answer = try await bench.get(path)
            #expect(answer.status == status)
            #expect(answer.json.keys == ["error", "code", "trace_id"])
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        }
    }

    @Test("GET /api/traces/{trace_id} is the contract's shape, with attributes of their own types")
    func trace() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let answer = try await bench.get("/api/traces/00000000000000010000000000000001")
            #expect(answer.status == 200)
            #expect(answer.json["trace_id"].text == "00000000000000010000000000000001")
            #expect(answer.json["spans"].count == 4)
            let expected = try json(
                """
                {"span_id":"0000000000000003","parent_span_id":"0000000000000002","service":"checkout",
                 "name":"POST /checkout","kind":"server","start_time_unix_nano":"1795377791125456789",
                 "end_time_unix_nano":"1795377791823456789","status":"error","status_message":"It broke.",
                 "attributes":{"http.response.status_code":500,"ratio":0.5,"retry":true,"error.type":"boom",
                  "list":[1,2],"words":["a"],"odd":"Infinity"},
                 "events":[{"name":"restock","time_unix_nano":"1795377791126456789","attributes":{"quantity":50}}],
                 "links":[{"trace_id":"00000000000000090000000000000001","span_id":"0000000000000009",
                  "attributes":{"why":"order"}}]}
                """
            )
            #expect(answer.json["spans"][2] == expected)
            let root = answer.json["spans"][0]
            #expect(root["parent_span_id"] == .null && root.keys.contains("parent_span_id"))
            #expect(root["kind"].text == "internal" && root["status"].text == "unset")
        }
    }

    @Test("An id in capitals is the same id")
    func capitals() async throws {
        try await Bench.run { bench in
            let answer = try await bench.get("/api/traces/ABCDEF00000000010000000000000001")
            #expect(answer.status == 404 && answer.code == "trace_not_found")
        }
    }

    @Test("GET /api/service-map has who called whom within the minutes")
    func serviceMap() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let map = try await bench.get("/api/service-map").json
            let edges = try json(
                """
                [{"from":"checkout","to":"sqlite","requests":1,"errors":0,"p95_ms":100},
                 {"from":"load-generator","to":"checkout","requests":1,"errors":0,"p95_ms":800}]
                """
            )
            #expect(map["edges"] == edges)
            #expect(map["nodes"].count == 4)
            #expect(map["nodes"][0].keys == ["name", "type", "requests", "errors", "p95_ms"])
        }
    }

    @Test("Watching records nothing, not even a lost picture, unless the watcher's own context is sampled")
    func probes() async throws {
        try await Bench.run { bench in
            let paths = [
                "/", "/traces", "/assets/core.js", "/api/status", "/api/traces", "/api/service-map", "/health",
                "/stats", "/favicon.ico",
            ]
            for path in paths {
                let answer = try await bench.get(path)
                #expect(answer.headers[HTTPField.Name.traceresponse]?.hasSuffix("-00") == true)
            }
            try await bench.buffer.flush()
            #expect(await bench.buffer.counts().enqueued == 0)
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            _ = try await bench.get("/api/status", [.traceparent: parent])
            try await bench.buffer.flush()
            #expect(await bench.buffer.counts().enqueued == 1)
        }
    }

    @Test(
        "What is asked of the spans narrows the list too",
        arguments: [
            ("route=POST%20/checkout", ["1"]), ("route=POST", []), ("q=insert", ["1"]), ("q=products", ["3", "2"]),
            ("q=00000000000000020", ["2"]), ("q=products&service=checkout", []), ("q=%25", []),
            ("route=INSERT%20orders&min_duration_ms=500", ["1"]), ("route=INSERT%20orders&min_duration_ms=901", []),
        ] as [(String, [String])]
    )
    func spanFilters(query: String, expected: [String]) async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let traces = try await bench.get("/api/traces?\(query)").json["traces"]
            let ids = (0..<max(0, traces.count)).map { place in
                String((traces[place]["trace_id"].text ?? "").prefix(16).drop { $0 == "0" })
            }
            #expect(ids == expected)
        }
    }

    @Test("A trace is exported as one OTLP request, for a file")
    func export() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let id = "00000000000000010000000000000001"
            let answer = try await bench.get("/api/traces/\(id)/export")
            #expect(answer.status == 200)
            #expect(answer.headers[.contentDisposition] == "attachment; filename=\"trace-\(id).json\"")
            let read = try ExportRequest(json: Array(answer.text.utf8))
            #expect(read.groups.reduce(0) { $0 + $1.spans.count } == 4)
            #expect(try await bench.get("/api/traces/\(id.replacing("1", with: "7"))/export").status == 404)
            #expect(try await bench.get("/api/traces/nonsense/export").status == 400)
        }
    }

    @Test("How far a trace has come, and where it can be seen once it is there")
    func delivery() async throws {
        try await Bench.run { bench in
            try await bench.fill()
            let path = "/api/traces/00000000000000010000000000000001/delivery"
            #expect(
                try await bench.get(path).json
                    == json(#"{"pending":4,"sent":0,"expired":0,"quarantined":0,"url":null}"#)
            )
            let outbox = bench.buffer.outbox()
            let batch = try #require(try await outbox.nextBatch(maxBytes: .max, window: 0...UInt64.max).batch)
            await outbox.settle(batch, .delivered(rejected: 1, reason: "No such team."))
            let sent = try await bench.get(path).json
            #expect(sent["sent"].number == 4 && sent["pending"].number == 0)
            let url = "https://upstream.example/00000000000000010000000000000001?from=\(noon)&to=\(noon)"
            #expect(sent["url"].text == url)
            let losses = try await bench.get("/api/pushes").json["spans"]
            #expect(losses.count == 1)
            #expect(losses[0]["outcome"].text == "rejected" && losses[0]["count"].number == 1)
            #expect(losses[0]["reason"].text == "No such team.")
        }
    }

    @Test("Health and stats say how the lanes are; other methods are refused")
    func observation() async throws {
        try await Bench.run { bench in
            let health = try await bench.get("/health")
            #expect(health.status == 200 && health.json["status"].text == "healthy")
            #expect(health.json["spans"].text == "disabled")
            #expect(try await bench.get("/stats").json["spans"]["enqueued"].number == 0)
            #expect(try await bench.post("/api/status").status == 405)
            #expect(try await bench.get("/api/network").status == 405)
        }
    }
}

@Suite("Times as text")
struct RFC3339Tests {
    @Test("Every moment reads back as itself", arguments: [0, 1, 951_782_400_000_000_000, noon, UInt64(Int64.max)])
    func roundTrip(time: UInt64) throws {
        guard time < 9_223_372_036_000_000_000 else { return }
        #expect(try RFC3339.nanoseconds(RFC3339.text(time)) == time)
    }

    @Test("Offsets and fractions of any length are read")
    func forms() throws {
        #expect(try RFC3339.nanoseconds("2000-02-29t01:00:00.5+01:00") == 951_782_400_500_000_000)
        #expect(try RFC3339.nanoseconds("2000-02-28 19:00:00.1234567891-05:00") == 951_782_400_123_456_789)
    }
}
