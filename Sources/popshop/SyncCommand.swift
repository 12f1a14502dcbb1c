import ArgumentParser
import ConsoleAPI
import FoundationEssentials
import HTTPClient
import HTTPTypes
import Logging
import Shop
import ShopAPI
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
        let logger = Logs.start(settings.logLevel)
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
        let begun = ContinuousClock.now
        let meter = ProgressMeter(
            SyncProgress(await worker.status()),
            style: .detect(environment: ProcessInfo.processInfo.environment)
        )
        try await withThrowingTaskGroup { group in
            group.addTask { await Self.report(meter, since: begun) { SyncProgress(await worker.status()) } }
            if watch { try await worker.watch() } else { await worker.once() }
            group.cancelAll()
        }
        let end = SyncProgress(await worker.status())
        await worker.close()
        Output.line(meter.account(end, after: ContinuousClock.now - begun))
        if !watch, let code = end.code() { throw ExitCode(code.rawValue) }
    }

    /// Bars on a terminal; elsewhere lines, a second apart, when there is something new to say.
    private static func report(
        _ meter: ProgressMeter,
        since begun: ContinuousClock.Instant,
        _ read: @Sendable () async -> SyncProgress
    ) async {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var last: SyncProgress?
        while true {
            let now = await read()
            let elapsed = ContinuousClock.now - begun
            if isTerminal {
                if let last { Output.text("\u{1b}[\(last.lanes.count)A") }
                for bar in meter.bars(now, after: elapsed) { Output.text("\r\u{1b}[K\(bar)\n") }
            } else if now != last, !Task.isCancelled {
                for line in meter.lines(now, after: elapsed) { Output.line(line) }
            }
            last = now
            if Task.isCancelled { return }
            try? await Task.sleep(for: isTerminal ? .milliseconds(200) : .seconds(1))
        }
    }
}

extension SyncProgress {
    /// The exit code of `--once`.
    ///
    /// - Parameter start: With it, only what waited then has to be done.
    func code(since start: SyncProgress? = nil) -> Refusal.Code? {
        if lanes.contains(where: { $0.state == .blocked }) { return .configuration }
        let isDone = lanes.allSatisfy { lane in (start.map { rest(of: lane, since: $0) } ?? lane.pending) == 0 }
        return isDone ? nil : .temporary
    }
}

/// The sync daemon of a running shop, watched through its console.
private struct AttachedSync {
    let console: String
    let token: String?

    func run(watches: Bool) async throws {
        let transport = try CurlClient()
        do {
            try await attach(transport, watches)
        } catch {
            await transport.shutDown()
            throw error
        }
        await transport.shutDown()
    }

    private func attach(_ transport: CurlClient, _ watches: Bool) async throws {
        let start = SyncProgress(try await ask(transport, .get, "/api/status"))
        guard !start.lanes.isEmpty else { throw SyncWorker.nowhere }
        Output.line("A shop runs on this data directory: its own sync sends what waits.")
        _ = try await ask(transport, .post, "/api/sync")
        let begun = ContinuousClock.now
        let meter = ProgressMeter(start, style: .detect(environment: ProcessInfo.processInfo.environment))
        var last: SyncProgress?
        // A lane needs a moment to take up the request, so it is believed from the third look on.
        var looks = 0
        while true {
            let now = SyncProgress(try await ask(transport, .get, "/api/status"))
            if now != last { for line in meter.lines(now, after: ContinuousClock.now - begun) { Output.line(line) } }
            last = now
            looks += 1
            if !watches, isOver(now, start, looks) {
                Output.line(meter.account(now, after: ContinuousClock.now - begun))
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

    private func ask(
        _ transport: CurlClient,
        _ method: HTTPRequest.Method,
        _ path: String
    ) async throws -> StatusMessage {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let token { headers[.authorization] = "Bearer \(token)" }
        let request = OutgoingRequest(method: method, url: console + path, headers: headers, timeout: .seconds(5))
        let answer: IncomingResponse
        do {
            answer = try await transport.send(request)
        } catch {
            throw Refusal(.temporary, "The shop that runs on this data directory does not answer: \(error.message)")
        }
        guard answer.status == .ok else {
            throw Refusal(.temporary, "The shop that runs on this data directory answers HTTP \(answer.status.code).")
        }
        return try JSON.decoder.decode(StatusMessage.self, from: Data(answer.body))
    }
}
