import ArgumentParser
import ConsoleAPI
import FoundationEssentials
import HTTPClient
import HTTPTypes
import Logging
import Shop
import ShopAPI
import TelemetryBuffer

#if canImport(Glibc)
    import Glibc
#endif

/// What a line of progress is made of, whoever tells it.
struct SpanProgress: Hashable {
    let state: LaneState
    let pending: Int
    let sent: Int
    let rejected: Int
    let expired: Int
    let quarantined: Int
    let evicted: Int
    let lastError: String?

    init(_ lane: SpansLane) {
        state = lane.state
        (pending, sent, rejected) = (lane.pending, lane.sent, lane.rejected)
        (expired, quarantined, evicted) = (lane.expired, lane.quarantined, lane.evicted)
        lastError = lane.last_error
    }

    init(_ progress: SyncWorker.Progress) {
        self.init(SpansLane(progress.lanes.spans, progress.spans, now: 0))
    }

    /// All that wait no more.
    var settled: Int { sent + rejected + expired + quarantined + evicted }

    var line: String {
        var line = "spans  \(state.rawValue): \(pending) pending, \(sent) sent"
        for (count, word) in [
            (rejected, "rejected"), (expired, "expired"), (quarantined, "quarantined"), (evicted, "evicted"),
        ] where count > 0 { line += ", \(count) \(word)" }
        return lastError.map { "\(line). \($0)" } ?? line
    }

    /// The exit code of `--once`.
    func code(pending: Int) -> Refusal.Code? {
        if state == .blocked { return .configuration }
        return pending > 0 && state != .disabled ? .temporary : nil
    }
}

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
        try await withThrowingTaskGroup { group in
            group.addTask { await Self.report { SpanProgress(await worker.progress()) } }
            if watch { try await worker.watch() } else { await worker.once() }
            group.cancelAll()
        }
        let status = await worker.progress()
        let end = SpanProgress(status)
        await worker.close()
        Output.line(end.line)
        if let sentence = status.lanes.orders.lastError {
            Output.line("orders \(status.pendingOrders) pending. \(sentence)")
        }
        guard !watch else { return }
        if let code = end.code(pending: end.pending) { throw ExitCode(code.rawValue) }
        if status.pendingOrders > 0 { throw ExitCode(Refusal.Code.temporary.rawValue) }
    }

    /// A bar on a terminal; elsewhere a line a second, when there is something new to say.
    private static func report(_ read: @Sendable () async -> SpanProgress) async {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var last = await read()
        let bar = SpanProgressBar(last)
        if !isTerminal { Output.line(last.line) }
        while !Task.isCancelled {
            try? await Task.sleep(for: isTerminal ? .milliseconds(200) : .seconds(1))
            let now = await read()
            if isTerminal { Output.text("\r\u{1b}[K" + bar.line(now)) } else if now != last { Output.line(now.line) }
            last = now
        }
        if isTerminal { Output.text("\r\u{1b}[K") }
    }
}

/// How much of what waited is done, how fast, and how long the rest will take.
private struct SpanProgressBar {
    private static let cells = 30
    private let start: SpanProgress
    private let begun = ContinuousClock.now

    init(_ start: SpanProgress) { self.start = start }

    func line(_ now: SpanProgress) -> String {
        let done = now.settled - start.settled
        let all = max(1, done + now.pending)
        let cells = Self.cells * done / all
        let bar = String(repeating: "#", count: cells) + String(repeating: ".", count: Self.cells - cells)
        let rate = Double(done) / max(0.001, (ContinuousClock.now - begun) / .seconds(1))
        let rest = rate > 0 ? ", \(Int((Double(now.pending) / rate).rounded(.up))) s left" : ""
        let work = now.state == .draining || now.state == .idle ? "\(Int(rate))/s\(rest)" : now.state.rawValue
        return "spans  [\(bar)] \(100 * done / all) %  \(done) of \(all), \(work)"
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
        let before = try await ask(transport, .get, "/api/status")
        let start = SpanProgress(before.spans)
        guard start.state != .disabled || before.orders.state != .disabled else { throw SyncWorker.nowhere }
        Output.line("A shop runs on this data directory: its own sync sends what waits.")
        _ = try await ask(transport, .post, "/api/sync")
        var last = start
        Output.line(start.line)
        // Settled states: what waited at the start is done, or the lane has said that it cannot go on. The shop's lane
        // needs a moment to take up the request, so it is believed from the third look on.
        var looks = 0
        while true {
            try await Task.sleep(for: .milliseconds(500))
            let now = SpanProgress(try await ask(transport, .get, "/api/status").spans)
            if now != last { Output.line(now.line) }
            last = now
            looks += 1
            guard !watches else { continue }
            let rest = max(0, start.pending - (now.settled - start.settled))
            guard rest > 0, now.state == .draining || now.state == .idle && looks < 60 || looks < 3 else {
                if let code = now.code(pending: rest) { throw ExitCode(code.rawValue) }
                return
            }
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
