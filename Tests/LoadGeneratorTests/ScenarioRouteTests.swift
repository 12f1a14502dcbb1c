import HTTPTypes
import ShopAPI
import Testing

@testable import LoadGeneratorService

/// Scenarios and the background traffic over HTTP.
@Suite struct ScenarioRouteTests {
    @Test func `a scenario is started with the contract's fields`() async throws {
        let desk = try Desk()
        let idle = try await desk.get("/admin/demo-status").fields
        #expect(idle["running"] == false)
        for name in ["scenario", "seed", "phase", "talking_point", "p95_ms", "journey_hash"] {
            #expect(idle[name] == JSONValue.null)
        }
        let answer = try await desk.post(
            "/admin/start-demo",
            #"{"scenario":"blackfriday","duration_minutes":1.5,"peak_rpm":240,"seed":5}"#
        )
        #expect(answer.status == 200)
        let status = try answer.read(ScenarioStatus.self)
        #expect(status.running)
        #expect(status.scenario == "blackfriday")
        #expect(status.seed == 5)
        #expect(status.phase == "ramp")
        #expect(status.talking_point?.isEmpty == false)
        #expect(status.duration_seconds == 90)
        #expect(status.current_rpm == 60)
        #expect(try await desk.get("/admin/demo-status").read(ScenarioStatus.self) == status)
    }

    @Test func `what is not said is as it is written`() async throws {
        let desk = try Desk()
        let status = try await desk.post("/admin/start-demo").read(ScenarioStatus.self)
        #expect(status.scenario == "blackfriday")
        #expect(status.duration_seconds == 1800)
        #expect(status.current_rpm == 30)
        #expect(status.seed == 7)
    }

    @Test func `it is paused, resumed, moved and stopped`() async throws {
        let desk = try Desk()
        _ = try await desk.post("/admin/start-demo", #"{"duration_minutes":30}"#)
        desk.bench.clock.advance(by: .seconds(60))
        let paused = try await desk.post("/admin/pause-demo").read(ScenarioStatus.self)
        #expect(paused.running && paused.paused)
        #expect(paused.elapsed_seconds == 60)
        #expect(paused.current_rpm == 0)
        desk.bench.clock.advance(by: .seconds(60))
        let resumed = try await desk.post("/admin/resume-demo").read(ScenarioStatus.self)
        #expect(resumed.running && !resumed.paused)
        #expect(resumed.elapsed_seconds == 60)
        let moved = try await desk.post("/admin/jump-demo", #"{"phase":"critical"}"#).read(ScenarioStatus.self)
        #expect(moved.phase == "critical")
        #expect(moved.elapsed_seconds == 1200)
        let stopped = try await desk.post("/admin/stop-demo").read(ScenarioStatus.self)
        #expect(!stopped.running && !stopped.paused)
        #expect(stopped.phase == nil)
        #expect(stopped.scenario == "blackfriday")
    }

    @Test(arguments: [
        ("start", "{}", 409, "scenario_running"),
        ("start", #"{"scenario":"cybermonday"}"#, 400, "unknown_scenario"),
        ("start", #"{"scenario":7}"#, 400, "wrong_type"),
        ("start", #"{"duration_minutes":0}"#, 422, "out_of_range"),
        ("start", #"{"duration_minutes":1e9}"#, 422, "out_of_range"),
        ("start", #"{"peak_rpm":0}"#, 422, "out_of_range"),
        ("start", #"{"peak_rpm":60001}"#, 422, "out_of_range"),
        ("start", #"{"seed":-1}"#, 422, "out_of_range"),
        ("start", #"{"seed":1.5}"#, 400, "wrong_type"),
        ("start", #"{"definition":{"name":"x"}}"#, 400, "invalid_scenario"),
        ("start", #"{"definition":[]}"#, 400, "invalid_scenario"),
        ("start", "{", 400, "malformed_json"),
        ("resume", "", 409, "scenario_running"),
        ("jump", #"{"phase":"aftermath"}"#, 400, "unknown_phase"),
        ("jump", "{}", 400, "missing_field"),
        ("jump", #"{"phase":3}"#, 400, "wrong_type"),
    ])
    func `bad input changes nothing while one runs`(
        action: String,
        body: String,
        status: Int,
        code: String
    ) async throws {
        let desk = try Desk()
        let before = try await desk.post("/admin/start-demo").read(ScenarioStatus.self)
        let answer = try await desk.post("/admin/\(action)-demo", body)
        #expect(answer.status == status)
        #expect(try answer.read(ErrorMessage.self).code == code)
        #expect(try await desk.get("/admin/demo-status").read(ScenarioStatus.self) == before)
    }

    @Test(arguments: [
        ("pause", "", 409, "scenario_paused"),
        ("jump", #"{"phase":"peak"}"#, 409, "scenario_paused"),
        ("jump", #"{"phase":"aftermath"}"#, 400, "unknown_phase"),
        ("start", "", 409, "scenario_running"),
    ])
    func `nor while it is paused`(action: String, body: String, status: Int, code: String) async throws {
        let desk = try Desk()
        _ = try await desk.post("/admin/start-demo")
        let before = try await desk.post("/admin/pause-demo").read(ScenarioStatus.self)
        let answer = try await desk.post("/admin/\(action)-demo", body)
        #expect(answer.status == status)
        #expect(try answer.read(ErrorMessage.self).code == code)
        #expect(try await desk.get("/admin/demo-status").read(ScenarioStatus.self) == before)
    }

    @Test(arguments: ["pause", "resume", "stop", "jump"])
    func `nothing can be done to none`(action: String) async throws {
        let answer = try await Desk().post("/admin/\(action)-demo", #"{"phase":"peak"}"#)
        #expect(answer.status == 409)
        #expect(try answer.read(ErrorMessage.self).code == "scenario_not_running")
    }

    @Test func `a scenario may come with the request, and its mistakes are told by their line there`() async throws {
        let desk = try Desk()
        let wrong = ScenarioFileTests.sound.replacing(#""to": 60"#, with: #""to": "x""#)
        let answer = try await desk.post("/admin/start-demo", "{\"seed\": 1,\n\"definition\": \(wrong)}")
        #expect(answer.status == 400)
        #expect(
            try answer.read(ErrorMessage.self).error
                == "Line 9, definition.phases[0].rpm.to: it must be a number, and is a text."
        )
        let status = try await desk.post("/admin/start-demo", "{\"definition\": \(ScenarioFileTests.sound)}")
            .read(ScenarioStatus.self)
        #expect(status.scenario == "test")
        #expect(status.duration_seconds == 120)
        #expect(status.talking_point == "Look.")
    }

    @Test func `the list says what there is`() async throws {
        let list = try await Desk().get("/admin/scenarios").read(ScenarioList.self)
        let scenario = try #require(list.scenarios.first { $0.name == "blackfriday" })
        #expect(scenario.duration_minutes == 30)
        #expect(scenario.peak_rpm == 120)
        #expect(scenario.phases.map(\.from) == [0, 0.3333, 0.5, 0.6667])
        #expect(scenario.phases.map(\.to) == [0.3333, 0.5, 0.6667, 1])
        #expect(!list.status.running)
    }

    @Test func `the background traffic is read and changed`() async throws {
        let desk = try Desk()
        #expect(try await desk.get("/admin/traffic").fields == ["requests_per_minute": 0, "running": false])
        let changed = try await desk.post("/admin/traffic", #"{"requests_per_minute":6000}"#)
        #expect(try changed.fields == ["requests_per_minute": 6000, "running": true])
        for (body, status) in [
            (#"{"requests_per_minute":6001}"#, 422), (#"{"requests_per_minute":-1}"#, 422),
            (#"{"requests_per_minute":"9"}"#, 400), ("{}", 400),
        ] {
            #expect(try await desk.post("/admin/traffic", body).status == status)
            #expect(try await desk.get("/admin/traffic").fields["requests_per_minute"] == 6000)
        }
    }

    @Test func `a reset brings back the traffic it began with, and no scenario`() async throws {
        let desk = try Desk()
        _ = try await desk.post("/admin/traffic", #"{"requests_per_minute":100}"#)
        _ = try await desk.post("/admin/start-demo")
        #expect(try await desk.post("/demo/reset").read(ScenarioStatus.self) == ScenarioStatus())
        #expect(try await desk.get("/admin/traffic").fields == ["requests_per_minute": 30, "running": true])
        // Twice is once.
        #expect(try await desk.post("/demo/reset").status == 200)
    }

    @Test(arguments: [
        "/admin/start-demo", "/admin/pause-demo", "/admin/resume-demo", "/admin/jump-demo", "/admin/stop-demo",
        "/admin/traffic", "/demo/reset",
    ])
    func `the gate is kept`(path: String) async throws {
        #expect(try await Desk(token: "secret").post(path).status == 401)
    }
}
