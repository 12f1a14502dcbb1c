import Commerce
import HTTPClient
import HTTPTypes
import ServiceTracing
import ShopAPI
import Storage
import Testing
import Tracing

@testable import LoadGeneratorService

@Suite(.timeLimit(.minutes(15))) struct GenerateTrafficTests {
    @Test func aRunIsStartedAtOnce() async throws {
        let desk = try Desk()
        let answer = try await desk.post("/admin/generate-traffic", #"{"duration_seconds":5,"requests_per_minute":60}"#)
        #expect(answer.status == 202)
        #expect(
            try answer.fields == [
                "status": "started", "run_id": "run-1", "duration_seconds": 5, "requests_per_minute": 60,
            ]
        )
        #expect(desk.bench.stats.runs.map(\.status) == [.running])
    }

    @Test func whatIsNotSaidHasItsDefault() async throws {
        let desk = try Desk()
        let fields = try await desk.post("/admin/generate-traffic").fields
        #expect(fields["duration_seconds"] == 60)
        #expect(fields["requests_per_minute"] == 30)
    }

    @Test func whoWaitsIsToldWhatWasDone() async throws {
        let desk = try Desk(
            FakeShop { request in
                request.url.contains("/products?") ? .json(.serviceUnavailable, "{}") : .ok
            }
        )
        try await desk.bench.running {
            async let waiting = desk.post(
                "/admin/generate-traffic?wait=true",
                #"{"duration_seconds":3,"requests_per_minute":60}"#
            )
            for _ in 1...3 { await desk.bench.advance(by: .seconds(1)) }
            let answer = try await waiting
            #expect(answer.status == 200)
            #expect(
                try answer.fields == [
                    "status": "complete", "run_id": "run-1", "duration_seconds": 3, "requests_per_minute": 60,
                    "requests_generated": 3, "errors": 3,
                ]
            )
        }
    }

    @Test func aRunGoesOnWhenTheOneWhoWaitedIsGone() async throws {
        let desk = try Desk()
        try await desk.bench.running {
            let body = #"{"requests_per_minute":60}"#
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await desk.post("/admin/generate-traffic?wait=1", body).status }
                await until { desk.bench.stats.totals.requests == 1 }
                group.cancelAll()
                let status = try await group.next()
                #expect(status == 503)
            }
            for _ in 1...3 { await desk.bench.advance(by: .seconds(1)) }
            await until { desk.bench.stats.totals.requests == 4 }
            #expect(desk.bench.stats.runs.map(\.status) == [.running])
        }
    }

    @Test(arguments: [
        (#"{"duration_seconds":0}"#, 422, "out_of_range"),
        (#"{"duration_seconds":86401}"#, 422, "out_of_range"),
        (#"{"requests_per_minute":60001}"#, 422, "out_of_range"),
        (#"{"requests_per_minute":-1}"#, 422, "out_of_range"),
        (#"{"requests_per_minute":1e40}"#, 422, "out_of_range"),
        (#"{"requests_per_minute":"30"}"#, 400, "wrong_type"),
        (#"{"duration_seconds":[]}"#, 400, "wrong_type"),
        (#"{"duration_seconds""#, 400, "malformed_json"),
        (#"[]"#, 400, "wrong_type"),
    ])
    func badInputIsRefused(body: String, status: Int, code: String) async throws {
        let desk = try Desk()
        let answer = try await desk.post("/admin/generate-traffic", body)
        #expect(answer.status == status)
        #expect(try answer.read(ErrorMessage.self).code == code)
        #expect(desk.bench.stats.runs.isEmpty)
    }

    @Test func aBadFlagIsRefused() async throws {
        #expect(try await Desk().post("/admin/generate-traffic?wait=perhaps").status == 400)
    }

    @Test func tooManyRunsAreRefused() async throws {
        let desk = try Desk()
        for _ in 1...16 { #expect(try await desk.post("/admin/generate-traffic").status == 202) }
        let answer = try await desk.post("/admin/generate-traffic")
        #expect(answer.status == 409)
        #expect(try answer.read(ErrorMessage.self).code == "too_many_runs")
    }

    @Test func theGateIsKept() async throws {
        let desk = try Desk(token: "secret")
        #expect(try await desk.post("/admin/generate-traffic").status == 401)
        #expect(try await desk.post("/admin/demo-mode", #"{"mode":"normal"}"#).status == 401)
        let allowed: HTTPFields = [.authorization: "Bearer secret"]
        #expect(try await desk.post("/admin/generate-traffic", "", allowed).status == 202)
        #expect(try await desk.get("/admin/stats").status == 200)
    }
}

@Suite(.timeLimit(.minutes(15))) struct StatsTests {
    @Test func statsTellOfTotalsAndRuns() async throws {
        let desk = try Desk()
        try await desk.bench.running {
            _ = try await desk.post("/admin/generate-traffic", #"{"duration_seconds":2,"requests_per_minute":60}"#)
            #expect(try await desk.get("/admin/stats").fields["current_rpm"] == 60)
            for _ in 1...2 { await desk.bench.advance(by: .seconds(1)) }
            await until { desk.bench.stats.runs.first?.status == .complete }
            let answer = try await desk.get("/admin/stats")
            let fields = try answer.fields
            for name in [
                "journeys", "errors", "checkouts_attempted", "checkouts_failed", "in_flight", "late", "shed",
                "max_lateness_ms",
            ] {
                #expect(fields[name] != nil, "\(name)")
            }
            #expect(fields["requests"] == 2)
            #expect(fields["current_rpm"] == 0)
            let stats = try answer.read(LoadGeneratorStats.self)
            #expect(stats.totals.journeys.values.reduce(0, +) == 2)
            #expect(stats.runs.map(\.run_id) == ["run-1"])
            #expect(stats.runs.first?.elapsed_seconds == 2)
            guard case .object(let traffic)? = try await desk.get("/stats").fields["traffic"] else {
                Issue.record("/stats has no traffic")
                return
            }
            #expect(traffic["requests"] == 2)
        }
    }

    @Test func healthHasTheMode() async throws {
        let fields = try await Desk().get("/health").fields
        #expect(fields["status"] == "healthy")
        #expect(fields["service"] == "load-generator")
        #expect(fields["mode"] == "normal")
    }
}

@Suite(.timeLimit(.minutes(15))) struct DemoModeTests {
    @Test func theModeIsStoredAndFollowed() async throws {
        let desk = try Desk()
        let answer = try await desk.post("/admin/demo-mode", #"{"mode":"blackfriday"}"#)
        #expect(answer.status == 200)
        #expect(try answer.fields["status"] == "success")
        #expect(try answer.fields["mode"] == "blackfriday")
        #expect(try answer.fields["message"] != nil)
        #expect(try await desk.settings.demoMode() == .blackfriday)
        #expect(try await desk.get("/health").fields["mode"] == "blackfriday")
    }

    @Test(arguments: [
        ("{}", 400, "missing_field"), (#"{"mode":"whitefriday"}"#, 400, "unknown_mode"),
        (#"{"mode":1}"#, 400, "wrong_type"),
    ])
    func anUnknownModeIsRefused(body: String, status: Int, code: String) async throws {
        let desk = try Desk()
        let answer = try await desk.post("/admin/demo-mode", body)
        #expect(answer.status == status)
        #expect(try answer.read(ErrorMessage.self).code == code)
        #expect(try await desk.settings.demoMode() == .normal)
    }

    @Test func eachServiceIsAskedForItsMode() async throws {
        let desk = try Desk(
            FakeShop { request throws(HTTPTransportError) in
                switch request.url {
                case "http://127.0.0.1:8013/stats": throw HTTPTransportError(.connect, "refused")
                case "http://127.0.0.1:8016/stats": return .json(.serviceUnavailable, #"{"status":"unhealthy"}"#)
                case "http://127.0.0.1:8017/stats": return .json(.ok, #"{"status":"healthy","mode":"blackfriday"}"#)
                case "http://127.0.0.1:8018/stats": return .json(.ok, "nonsense")
                default: return .json(.ok, #"{"status":"healthy","mode":"normal"}"#)
                }
            }
        )
        let modes = try await desk.get("/admin/demo-mode").read(DemoModes.self)
        #expect(modes.mode == .normal)
        #expect(
            modes.services == [
                "load-generator": "normal", "recommendation": "normal", "cart": "unknown", "product-catalog": "normal",
                "checkout": "unknown", "ad": "blackfriday", "currency": "unknown", "shipping": "normal",
            ]
        )
        #expect(desk.bench.shop.requests.allSatisfy { $0.timeout <= .seconds(1) })
    }
}

@Suite(.timeLimit(.minutes(15))) struct SingleJourneyTests {
    @Test(arguments: [("/api/products/browse", "browse"), ("/api/checkout", "checkout")])
    func aJourneyIsMadeWithinTheRequestsTrace(path: String, journey: String) async throws {
        let desk = try Desk()
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let answer = try await desk.post(path, "", [.traceparent: "00-\(trace)-00f067aa0ba902b7-01"])
        #expect(answer.status == 200)
        let message = try answer.read(JourneyAnswer.self)
        #expect(message.success)
        #expect(message.journey == journey)
        #expect(message.trace_id == trace)
        #expect(message.steps.count == desk.bench.shop.requests.count)
        #expect(message.steps.allSatisfy { $0.status == 200 })
        #expect(message.steps.first?.service == "product-catalog")
        #expect(message.steps.first?.path.hasPrefix("/products?category=") == true)
        let request = try #require(desk.bench.recorder.spans.first { $0.kind == .server })
        let root = try #require(desk.bench.recorder.journeys.first)
        #expect(root.parentSpanID == request.context.spanID)
        #expect(root.context.traceID.description == trace)
        #expect(root.attributes["synthetic_request"] == "true")
        #expect(desk.bench.stats.totals.journeys == [journey: 1])
    }

    @Test func aStepThatFailsIsABadGateway() async throws {
        let desk = try Desk(
            FakeShop { request in
                request.url.hasSuffix("/checkout")
                    ? .json(.conflict, #"{"error":"No.","code":"out_of_stock","trace_id":""}"#) : .ok
            }
        )
        let answer = try await desk.post("/api/checkout")
        #expect(answer.status == 502)
        let error = try answer.read(ErrorMessage.self)
        #expect(error.code == "downstream_error")
        #expect(error.error.contains("checkout"))
        #expect(error.trace_id.count == 32)
        #expect(desk.bench.stats.totals.checkouts_failed == 1)
    }

    @Test func thereIsNoRoomForJourneysWithoutEnd() async throws {
        let gate = Gate()
        var limits = LoadGenerator.Limits()
        limits.inFlight = 1
        let desk = try Desk(
            FakeShop { _ throws(HTTPTransportError) in
                try await gate.pass()
                return .ok
            },
            limits: limits
        )
        async let first = desk.post("/api/checkout")
        await until { gate.waiting == 1 }
        let second = try await desk.post("/api/checkout")
        #expect(second.status == 503)
        #expect(second.headers[.retryAfter] != nil)
        gate.open()
        #expect(try await first.status == 200)
    }

    @Test func anotherMethodIsNotAllowed() async throws {
        let answer = try await Desk().get("/api/checkout")
        #expect(answer.status == 405)
        #expect(answer.headers[.allow] == "POST")
    }
}
