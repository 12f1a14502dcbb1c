import ArgumentParser
import ConsoleAPI
import FoundationEssentials
import Logging
import Shop
import Terminal

#if canImport(Glibc)
    import Glibc
#endif

struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Send what waits upstream: by itself, or through the shop that runs on the data directory.",
        discussion: "Exits 0 when nothing is pending, 75 when something still is, 78 when it is misconfigured."
    )

    @OptionGroup var place: PlaceOptions

    @Flag(help: "Send what can be sent, and end (the default).")
    var once = false

    @Flag(help: "Go on sending what comes, until Ctrl-C.")
    var watch = false

    @Flag(help: "Move spans that are too old to now, and send them.")
    var retime = false

    func validate() throws {
        if once, watch { throw ValidationError("--once and --watch exclude each other.") }
    }

    func run() async throws {
        let settings = try await place.settings()
        // On a terminal the bars say what stands in the way, and a log would be drawn over.
        let isShown = isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1
        let logger = Logs.start(isShown ? .critical : settings.logLevel)
        // A daemon may be started before its shop is; who sends once and ends means a directory that there is.
        if !watch { try DataDirectory.find(settings.dataDirectory, orElse: .configuration) }
        if let console = DataDirectory.owner(settings.dataDirectory)?.console {
            guard !retime else {
                throw Refusal(.temporary, "A shop runs on this data directory: close it to move spans with --retime.")
            }
            return try await AttachedSync(console: console, token: settings.adminToken).run(watches: watch)
        }
        let directory = try DataDirectory(path: settings.dataDirectory)
        let worker = try SyncWorker(settings: settings, directory: directory, logger: logger)
        do {
            try await work(worker, settings)
        } catch {
            await worker.close()
            throw error
        }
    }

    private func work(_ worker: SyncWorker, _ settings: Settings) async throws {
        if retime { Output.line("\(try await worker.retime()) expired spans are moved to now.") }
        var report = SyncReport(from: SyncProgress(try await worker.status()))
        report = try await withThrowingTaskGroup(of: SyncReport.self) { [report] group in
            group.addTask { try await Self.show(worker, in: report) }
            if watch { try await worker.watch() } else { try await worker.once() }
            group.cancelAll()
            return try await group.next() ?? report
        }
        let end = SyncProgress(try await worker.status())
        report.show(end)
        await worker.close()
        Output.line(report.account(end))
        if !watch, let code = end.code() { throw ExitCode(code.rawValue) }
    }

    /// Until it is cancelled; a look at a moment when reading is cancelled is none.
    private static func show(_ worker: SyncWorker, in report: SyncReport) async throws -> SyncReport {
        var report = report
        while true {
            do {
                let now = SyncProgress(try await worker.status())
                if Task.isCancelled { return report }
                report.show(now)
                try await Task.sleep(for: report.interval)
            } catch  where Task.isCancelled {
                return report
            }
        }
    }
}

/// Shows how far a sync has come: bars that are drawn over on a terminal, elsewhere lines when there is something new.
struct SyncReport: Sendable {
    let interval: Duration
    private let isTerminal: Bool
    private let meter: ProgressMeter
    private let begun = ContinuousClock.now
    private var last: SyncProgress?

    init(from start: SyncProgress) {
        isTerminal = isatty(STDOUT_FILENO) == 1
        interval = isTerminal ? .milliseconds(200) : .seconds(1)
        meter = ProgressMeter(start, style: .detect(environment: ProcessInfo.processInfo.environment))
    }

    mutating func show(_ now: SyncProgress) {
        let elapsed = ContinuousClock.now - begun
        if isTerminal {
            if let last { Output.text("\u{1b}[\(last.lanes.count)A") }
            for bar in meter.bars(now, after: elapsed) { Output.text("\r\u{1b}[K\(bar)\n") }
        } else if now != last {
            for line in meter.lines(now, after: elapsed) { Output.line(line) }
        }
        last = now
    }

    /// The last line.
    func account(_ end: SyncProgress) -> String { meter.account(end, after: ContinuousClock.now - begun) }
}

extension SyncProgress {
    /// The exit code of `--once`.
    ///
    /// - Parameter start: With it, only what waited then has to be done.
    func code(since start: SyncProgress? = nil) -> Refusal.Code? {
        if lanes.contains(where: { $0.state == .blocked && $0.pending > 0 }) { return .configuration }
        let isDone = lanes.allSatisfy { lane in (start.map { rest(of: lane, since: $0) } ?? lane.pending) == 0 }
        return isDone ? nil : .temporary
    }
}

/// The sync daemon of a running shop, watched through its console.
private struct AttachedSync {
    let console: String
    let token: String?

    func run(watches: Bool) async throws {
        try await RunningShop.attach(to: console, token: token) { shop in try await attach(shop, watches) }
    }

    private func attach(_ shop: RunningShop, _ watches: Bool) async throws {
        let start = SyncProgress(try await shop.get("/api/status", StatusMessage.self))
        guard !start.lanes.isEmpty else { throw SyncWorker.nowhere }
        Output.line("A shop runs on this data directory: its own sync sends what waits.")
        _ = try await shop.post("/api/sync", [], StatusMessage.self)
        var report = SyncReport(from: start)
        // A lane needs a moment to take up the request, so it is believed from the third look on.
        var looks = 0
        while true {
            let now = SyncProgress(try await shop.get("/api/status", StatusMessage.self))
            report.show(now)
            looks += 1
            if !watches, isOver(now, start, looks) {
                Output.line(report.account(now))
                if let code = now.code(since: start) { throw ExitCode(code.rawValue) }
                return
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// What waited at the start is done, or each lane has said that it cannot go on.
    private func isOver(_ now: SyncProgress, _ start: SyncProgress, _ looks: Int) -> Bool {
        now.lanes.allSatisfy { lane in
            if now.rest(of: lane, since: start) == 0 { return true }
            return looks >= 3 && lane.state != .draining && (lane.state != .idle || looks >= 60)
        }
    }
}
