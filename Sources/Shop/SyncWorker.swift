public import ConsoleAPI
import HTTPClient
public import Logging
import SQLiteStorage
import ServiceLifecycle
import ServiceTracing
import Storage
import Sync
public import TelemetryBuffer
import UnixSignals

/// The sync daemon by itself, on a data directory that no shop owns.
public final class SyncWorker: Sendable {
    /// How far it has come.
    public struct Progress: Sendable {
        public let spans: BufferCounts
        public let lanes: SyncStatus
        /// Orders that wait, where they have somewhere to go.
        public let pendingOrders: Int
    }

    private let directory: DataDirectory
    private let buffer: SpanBuffer
    private let outbox: SpanOutbox
    private let uplink: CurlClient
    private let lane: SpanUplink
    private let daemon: SyncDaemon
    private let logger: Logger

    /// - Throws: `Refusal` when nothing is configured to send to, or the buffer cannot be opened.
    public init(settings: Settings, directory: DataDirectory, logger: Logger) throws(Refusal) {
        guard settings.hasSpanUpstream || settings.syncDatabaseURL != nil else { throw Self.nowhere }
        self.directory = directory
        self.logger = logger
        buffer = try Shop.openBuffer(directory.path, settings.bufferMaxBytes, logger)
        outbox = buffer.outbox()
        uplink = try Shop.openUplink()
        lane = settings.spanUplink(outbox, uplink, isSwitchedOff: false, logger)
        daemon = SyncDaemon(spans: lane, hasOrders: settings.syncDatabaseURL != nil)
    }

    /// Both lanes are disabled.
    public static let nowhere = Refusal(
        .configuration,
        "There is nowhere to send to: set CX_TOKEN or OTEL_EXPORTER_OTLP_ENDPOINT for spans, SYNC_DATABASE_URL for orders."
    )

    /// Moves what has expired to now.
    ///
    /// - Returns: How many spans.
    /// - Throws: `Refusal` when the buffer cannot be read.
    public func retime() async throws(Refusal) -> Int {
        do {
            return try await outbox.retime(endingAt: SystemTraceClock().wall)
        } catch {
            throw Refusal(.cannotCreate, "The span buffer cannot be moved to now: \(error).")
        }
    }

    /// How things stand.
    public func progress() async -> Progress {
        let lanes = await daemon.status()
        let orders =
            lanes.orders.state == .disabled
            ? nil : try? ShopDatabase.outboxCounts(path: Shop.databasePath(directory.path))
        return Progress(spans: await buffer.counts(), lanes: lanes, pendingOrders: orders?.counts.pending ?? 0)
    }

    /// Sends what can be sent now. An upstream that answers, and cannot take spans just now, is tried again until it
    /// has taken none three times in a row, or asks for more than a minute; one that does not answer is not.
    public func once() async {
        var inVain = 0
        while !Task.isCancelled {
            inVain = await lane.round() ? 0 : inVain + 1
            let status = await lane.status()
            guard await outbox.pendingCount() > 0 else { return }
            switch status.state {
            case .backingOff:
                guard inVain < 3, let wait = status.nextAttempt, wait <= .seconds(60) else { return }
                try? await Task.sleep(for: wait)
            case .idle, .draining, .offline, .blocked, .disabled:
                // Spans may have gone and others be held for their time: then the next round takes nothing.
                guard inVain == 0, status.state == .idle else { return }
            }
        }
    }

    /// Sends what comes until SIGTERM or SIGINT.
    ///
    /// - Throws: What a service has failed with.
    public func watch() async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [buffer, daemon],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
    }

    /// Closes the files.
    public func close() async {
        await buffer.close()
        await uplink.shutDown()
    }
}

extension Settings {
    /// The spans lane as the environment configures it.
    func spanUplink(
        _ outbox: SpanOutbox,
        _ transport: CurlClient,
        isSwitchedOff: Bool,
        _ logger: Logger
    ) -> SpanUplink {
        var options = SpanUplinkOptions()
        if let spanMaxAge { options.maxAge = spanMaxAge }
        return SpanUplink(
            outbox: outbox,
            transport: transport,
            upstream: spanUpstream,
            options: options,
            isSwitchedOff: isSwitchedOff,
            logger: logger
        )
    }
}
