import ShopAPI
import Testing

@testable import Terminal

/// What `popshop scenario run` shows.
struct ScenarioViewTests {
    private let scenario = ScenarioSummary(
        name: "blackfriday",
        title: "Black Friday",
        description: "The rush comes.",
        duration_minutes: 30,
        peak_rpm: 120,
        phases: [
            .init(name: "ramp", from: 0, to: 0.3333, talking_point: "Open any journey."),
            .init(name: "peak", from: 0.3333, to: 0.5, talking_point: "Look at p95."),
            .init(name: "degradation", from: 0.5, to: 0.6667, talking_point: "Filter by error."),
            .init(name: "critical", from: 0.6667, to: 1, talking_point: "Compare."),
        ]
    )

    private var status: ScenarioStatus {
        var status = ScenarioStatus()
        status.running = true
        status.scenario = "blackfriday"
        status.seed = 7
        status.phase = "peak"
        status.talking_point = "Look at p95: it has doubled, and the error rate has not moved at all."
        status.elapsed_seconds = 38
        status.duration_seconds = 90
        status.current_rpm = 120
        status.requests_sent = 1420
        status.errors = 3
        status.checkouts_attempted = 20
        status.checkouts_failed = 3
        status.in_flight = 4
        status.p95_ms = 1024.4
        status.journey_hash = "0123456789abcdef"
        return status
    }

    @Test func `a bar a phase, the figures, and what to look at`() {
        let view = ScenarioView(scenario, style: TerminalStyle(width: 60, colours: false, unicode: false))
        #expect(
            view.lines(status) == [
                "Black Friday  peak                              0:38 of 1:30",
                "ramp                peak      degradat~ critical",
                "################### #####.... ......... ...................",
                "120 rpm   p95 1.02 s   1,420 sent   3 errors",
                "20 checkouts, 3 failed (15 %)   4 under way   0 late",
                "-> Look at p95: it has doubled, and the error rate has not",
                "moved at all.",
            ]
        )
    }

    @Test(arguments: [20, 40, 60, 80, 200], [true, false])
    func `no line is wider than the terminal`(width: Int, unicode: Bool) {
        let view = ScenarioView(scenario, style: TerminalStyle(width: width, colours: false, unicode: unicode))
        for elapsed in stride(from: 0.0, through: 90, by: 3) {
            var status = status
            status.elapsed_seconds = elapsed
            status.shed = 12_345_678
            status.last_error = "The faults cannot be switched: The shop's storage does not answer."
            for line in view.lines(status) { #expect(Cells.width(line) <= width) }
        }
    }

    @Test func `the bar is empty at the start and full at the end`() {
        let view = ScenarioView(scenario, style: TerminalStyle(width: 60, colours: false, unicode: false))
        var status = status
        status.elapsed_seconds = 0
        #expect(!view.lines(status)[2].contains("#"))
        status.elapsed_seconds = 90
        #expect(!view.lines(status)[2].contains("."))
    }

    @Test func `there is colour only where it is wanted`() {
        let plain = ScenarioView(scenario, style: TerminalStyle(width: 60, colours: false, unicode: true))
        let colourful = ScenarioView(scenario, style: TerminalStyle(width: 60, colours: true, unicode: true))
        #expect(!plain.lines(status).joined().contains("\u{1b}"))
        #expect(colourful.lines(status).joined().contains("\u{1b}["))
    }

    @Test func `a pause and a trouble are said`() {
        let view = ScenarioView(scenario, style: TerminalStyle(width: 60, colours: false, unicode: false))
        var status = status
        status.paused = true
        status.shed = 5
        status.last_error = "The faults cannot be switched."
        let text = view.lines(status).joined(separator: "\n")
        #expect(text.contains("peak, paused"))
        #expect(text.contains("5 left out"))
        #expect(text.contains("The faults cannot be switched."))
    }

    @Test func `a line for a log, and the account`() {
        let view = ScenarioView(scenario, style: TerminalStyle(width: 100, colours: false, unicode: false))
        #expect(
            view.line(status)
                == "0:38 peak  120 rpm, p95 1.02 s, 1,420 sent, 3 errors, 20 checkouts, 3 failed (15 %), 4 under way, 0 late"
        )
        var end = status
        (end.running, end.phase, end.elapsed_seconds) = (false, nil, 90)
        #expect(
            view.account(end)
                == "Black Friday is over after 1:30: 1,420 journeys, 3 errors, 20 checkouts of which 3 failed (15 %), "
                + "0 late, 0 left out. Seed 7, journeys 0123456789abcdef."
        )
        end.elapsed_seconds = 38
        #expect(view.account(end).hasPrefix("Black Friday was stopped after 0:38: "))
    }

    @Test func `a list fits into 60 columns`() {
        let style = TerminalStyle(width: 60, colours: false, unicode: false)
        let text = ScenarioTable.render([scenario], style: style)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 60 })
        #expect(text.contains("  peak  10:00 to 15:00\n    Look at p95."))
    }

    @Test func `clocks`() {
        #expect([0, 5, 65, 3605].map(ScenarioView.clock) == ["0:00", "0:05", "1:05", "1:00:05"])
    }
}
