import Console
import ConsoleAPI
import FoundationEssentials
import HTTPTypes
import Logging
import SQLiteStorage
import ServiceTracing
import ShopAPI
import Storage
import Testing

@testable import TelemetryBuffer

@Suite("The status routes")
struct StatusRouteTests {
    @Test("GET /api/status is the contract's shape, with nulls where nothing is known")
    func shape() async throws {
        try await Bench.run { bench in
            let answer = try await bench.get("/api/status")
            let expected = try json(
                """
                {"edge_id":"8f14e45fceea167a5a36dedd4bea2543","network":{"online":true,"switched_off":false},
                 "orders":{"state":"blocked","enqueued":0,"pending":0,"accepted":0,"backordered":0,"rejected":0,
                  "quarantined":0,"oldest_age_seconds":null,
                  "last_error":"No popshop runs here: start one, or send what waits with `popshop sync`.",
                  "next_attempt_in_seconds":null},
                 "spans":{"state":"disabled","enqueued":0,"pending":0,"sent":0,"rejected":0,"expired":0,"evicted":0,
                  "quarantined":0,"dropped":0,"bytes":BYTES,"oldest_age_seconds":null,"last_error":null,
                  "next_attempt_in_seconds":null}}
                """.replacing("BYTES", with: "\(answer.json["spans"]["bytes"].number)")
            )
            #expect(answer.status == 200)
            #expect(answer.json == expected)
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            let message = try JSON.decoder.decode(StatusMessage.self, from: Data(answer.text.utf8))
            #expect(String(decoding: try JSON.encoder.encode(message), as: UTF8.self) == answer.text)
        }
    }

    @Test("The books balance, and the oldest has its age")
    func books() async throws {
        var settings = Bench.Settings()
        let placed = Int64(noon / 1_000_000) - 180_000
        settings.orders = OutboxCounts(enqueued: 5, pending: 2, accepted: 3, oldestPending: placed)
        try await Bench.run(settings) { bench in
            try await bench.fill()
            let status = try await bench.get("/api/status").json
            let spans = status["spans"]
            #expect(spans["enqueued"].number == 6 && spans["pending"].number == 6)
            let rest = ["pending", "sent", "rejected", "expired", "evicted", "quarantined"].map { spans[$0].number }
            #expect(rest.reduce(0, +) == spans["enqueued"].number)
            #expect(spans["oldest_age_seconds"].number == 0)
            #expect(status["orders"]["enqueued"].number == 5)
            #expect(status["orders"]["oldest_age_seconds"].number == 180)
        }
    }

    @Test("POST /api/network pulls the plug and puts it back")
    func network() async throws {
        try await Bench.run { bench in
            let off = try await bench.post("/api/network", #"{"online":false}"#)
            #expect(off.status == 200)
            #expect(try off.json["network"] == json(#"{"online":false,"switched_off":true}"#))
            #expect(try await bench.get("/api/status").json["network"] == off.json["network"])
            let on = try await bench.post("/api/network", #"{"online":true}"#)
            #expect(try on.json["network"] == json(#"{"online":true,"switched_off":false}"#))
        }
    }

    @Test("POST /api/sync answers with the status")
    func sync() async throws {
        try await Bench.run { bench in
            let answer = try await bench.post("/api/sync")
            #expect(answer.status == 200)
            let status = try await bench.get("/api/status")
            #expect(answer.json == status.json)
        }
    }

    @Test(
        "What POST /api/network cannot read is refused, and changes nothing",
        arguments: [
            ("{}", 400), ("", 400), (#"{"online":"no"}"#, 400), ("{", 400), ("[]", 400), (#"{"online":null}"#, 400),
        ]
    )
    func badNetwork(body: String, status: Int) async throws {
        try await Bench.run { bench in
            let answer = try await bench.post("/api/network", body)
            #expect(answer.status == status)
            #expect(answer.json.keys == ["error", "code", "trace_id"])
            #expect(!bench.sync.status().isSwitchedOff)
        }
    }

    @Test("What changes the demo needs the token where there is one", arguments: ["/api/network", "/api/sync"])
    func token(path: String) async throws {
        var settings = Bench.Settings()
        settings.token = "secret"
        try await Bench.run(settings) { bench in
            let refused = try await bench.post(path, #"{"online":false}"#)
            #expect(refused.status == 401 && refused.code == "unauthorized")
            #expect(try await bench.post(path, #"{"online":false}"#, [.authorization: "Bearer secret"]).status == 200)
            #expect(try await bench.get("/api/status").status == 200)
        }
    }

    @Test("A page of another site cannot pull the plug")
    func crossOrigin() async throws {
        try await Bench.run { bench in
            let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
            let body = #"{"online":false}"#
            #expect(try await bench.post("/api/network", body, [site: "cross-site"]).code == "cross_origin")
            #expect(try await bench.post("/api/network", body, [.origin: "http://evil.example"]).status == 403)
            #expect(try await bench.post("/api/sync", "", [.origin: "null"]).status == 403)
            #expect(!bench.sync.status().isSwitchedOff)
            #expect(try await bench.post("/api/network", body, [.origin: bench.url]).status == 200)
            #expect(try await bench.post("/api/network", body, [site: "same-origin"]).status == 200)
        }
    }

    @Test("A buffer that cannot be read is a 500 without the engine's words, and unhealthy")
    func unreadable() async throws {
        var settings = Bench.Settings()
        settings.spansFail = true
        try await Bench.run(settings) { bench in
            let answer = try await bench.get("/api/status")
            #expect(answer.status == 500 && answer.code == "buffer_unreadable")
            #expect(!answer.text.contains("SELECT"))
            #expect(try await bench.get("/health").status == 503)
            #expect(try await bench.get("/health/live").status == 200)
        }
    }

    @Test("A failing disk is told in words, before what the lane says")
    func lastError() {
        var counts = BufferCounts()
        counts.lastError = "SQLite error 13: database or disk is full - while executing `INSERT`"
        let lane = SpansLane(LaneStatus(.blocked, lastError: "Refused."), counts, now: noon)
        #expect(lane.last_error?.hasPrefix("The disk is full") == true)
        #expect(
            SpansLane(LaneStatus(.blocked, lastError: "Refused."), BufferCounts(), now: noon).last_error == "Refused."
        )
    }

    @Test("The status is read from files alone: where no shop ran, while one runs, and after")
    func files() async throws {
        try await withFolder { folder in
            let reader = StatusReader(
                dataDirectory: folder,
                lanes: ConfiguredLanes(orders: false, spans: true),
                clock: FrozenClock()
            )
            #expect(try await reader.status().edge_id == "")
            let database = try ShopDatabase(path: folder + "/shop.sqlite")
            let buffer = try SpanBuffer(directory: folder + "/telemetry", logger: Logger(label: "test"))
            let span = SpanData(
                name: "x",
                context: try Bench.context(1, 1),
                startTime: noon - 60_000_000_000,
                endTime: noon,
                resource: Resource(attributes: [:])
            )
            buffer.onEnd(span)
            try await buffer.flush()
            let running = try await reader.status()
            #expect(running.edge_id == database.edgeID)
            #expect(running.spans.enqueued == 1 && running.spans.pending == 1)
            #expect(running.spans.oldest_age_seconds == 60)
            #expect(running.spans.state == .blocked && running.orders.state == .disabled)
            await buffer.close()
            try await database.close()
            #expect(try await reader.status().spans.pending == 1)
        }
    }
}
