import Commerce
public import ConsoleAPI
import HTTPClient
public import Logging
public import PostgresClient
import SQLiteStorage
import ServiceLifecycle
import ServiceTracing
import Storage
import Sync
import TelemetryBuffer
import UnixSignals
import UpstreamStorage

/// The sync daemon by itself, on a data directory that no shop owns.
public final class SyncWorker: Sendable {
    private let directory: DataDirectory
    private let buffer: SpanBuffer
    private let outbox: SpanOutbox
    private let uplink: CurlClient
    /// Nil where no shop was ever opened.
    private let database: ShopDatabase?
    private let spans: SpanUplink
    private let orders: OrderUplink
    private let daemon: SyncDaemon
    private let logger: Logger

    /// - Throws: `Refusal` when nothing is configured to send to, or the files cannot be opened.
    public init(settings: Settings, directory: DataDirectory, logger: Logger) throws(Refusal) {
        guard settings.hasSpanUpstream || settings.hasOrderUpstream else { throw Self.nowhere }
        self.directory = directory
        self.logger = logger
        let upstream = try settings.orderUpstreamConfiguration()
        buffer = try Shop.openBuffer(directory.path, settings.bufferMaxBytes, logger)
        outbox = buffer.outbox()
        uplink = try Shop.openUplink()
        let tracer = ServiceTracer(
            resource: Identity(settings).resource("sync"),
            processor: buffer,
            sampler: settings.sampler
        )
        database = try Shop.openExistingDatabase(directory.path, settings.databaseConventions)
        spans = settings.spanUplink(outbox, uplink, tracer, isSwitchedOff: false, logger)
        orders = OrderUplink(
            outbox: try database.map { database throws(Refusal) in try Shop.openOutbox(database, tracer) }
                ?? NoOrders(),
            upstream: upstream.map {
                PostgresOrderUpstream($0, tracer: tracer, conventions: settings.databaseConventions)
            },
            tracer: tracer,
            logger: logger
        )
        daemon = SyncDaemon(orders: orders, spans: spans, routes: .system)
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
            throw Refusal(.cannotCreate, "The span buffer cannot be moved to now: \(SpanBuffer.words(of: error)).")
        }
    }

    /// The ledger now.
    ///
    /// - Throws: `Refusal` when the shop's database cannot be read.
    public func status() async throws(Refusal) -> StatusMessage {
        let orders: OutboxCounts
        do {
            orders = try await database?.outboxCounts() ?? OutboxCounts()
        } catch {
            throw Refusal(.dataError, "The shop's database cannot be read: what waits in it is not known.")
        }
        return StatusMessage(
            edgeID: database?.edgeID ?? "",
            sync: await daemon.status(),
            orders: orders,
            spans: await buffer.counts(),
            now: SystemTraceClock().wall
        )
    }

    /// Sends what can be sent now, both lanes at a time; at the end the spans that the orders' pushes have made. SIGTERM and
    /// SIGINT end it once the answers that are due have come: what is cut off then would be sent again.
    ///
    /// - Throws: What a service group has failed with.
    public func once() async throws {
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: Once(worker: self), successTerminationBehavior: .gracefullyShutdownGroup)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.patience
        try await ServiceGroup(configuration: configuration).run()
    }

    /// For answers that are due when it is to end.
    private static let patience = Duration.seconds(4)

    private struct Once: Service {
        let worker: SyncWorker

        func run() async {
            await withGracefulShutdownHandler {
                await worker.drain()
            } onGracefulShutdown: {
                worker.spans.stop()
                worker.orders.stop()
            }
        }
    }

    private func drain() async {
        async let spans: Void = once(spans)
        await once(orders)
        await spans
        await once(self.spans)
        await orders.disconnect()
    }

    /// An upstream that answers, and cannot take something just now, is tried again until it has taken nothing three
    /// times in a row, or asks for more than a minute; one that does not answer is not.
    private func once(_ lane: any Lane) async {
        var inVain = 0
        while !Task.isCancelled {
            try? await buffer.flush()
            inVain = await lane.round() ? 0 : inVain + 1
            try? await buffer.flush()
            let status = await lane.status()
            guard await lane.pendingCount() > 0 else { return }
            switch status.state {
            case .backingOff:
                guard inVain < 3, let wait = status.nextAttempt, wait <= .seconds(60) else { return }
                await cancelWhenGracefulShutdown { try? await Task.sleep(for: wait) }
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
        var configuration = ServiceGroupConfiguration(
            services: [buffer, daemon],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.patience
        try await ServiceGroup(configuration: configuration).run()
        await orders.disconnect()
    }

    /// Closes the files.
    public func close() async {
        await outbox.writeUnwritten()
        await buffer.close()
        await uplink.shutDown()
        try? await database?.close()
    }
}

extension Settings {
    /// The spans lane as the environment configures it.
    func spanUplink(
        _ outbox: SpanOutbox,
        _ transport: CurlClient,
        _ tracer: ServiceTracer,
        isSwitchedOff: Bool,
        _ logger: Logger
    ) -> SpanUplink {
        var options = SpanUplinkOptions()
        if let spanMaxAge { options.maxAge = spanMaxAge }
        return SpanUplink(
            outbox: outbox,
            transport: transport,
            upstream: spanUpstream,
            tracer: tracer,
            options: options,
            isSwitchedOff: isSwitchedOff,
            logger: logger
        )
    }

    /// Whether orders have somewhere to go: the shop's own storage has an outbox, and an upstream is named.
    public var hasOrderUpstream: Bool { syncDatabaseURL != nil && storage == .sqlite }

    /// The shop's own Postgres.
    ///
    /// - Throws: `Refusal` when none is named, or for a URL that is none.
    public func databaseConfiguration() throws(Refusal) -> PostgresConfiguration {
        guard let databaseURL else {
            throw Refusal(.configuration, "POPSHOP_STORAGE=postgres needs DATABASE_URL, or POSTGRES_HOST and its like.")
        }
        do {
            return try PostgresConfiguration(url: databaseURL)
        } catch {
            throw Refusal(.configuration, "DATABASE_URL: \(error.message)")
        }
    }

    /// Where orders are pushed; nil for nowhere.
    ///
    /// - Throws: `Refusal` for a URL that is none.
    func orderUpstreamConfiguration() throws(Refusal) -> PostgresConfiguration? {
        guard hasOrderUpstream, let syncDatabaseURL else { return nil }
        do {
            return try PostgresConfiguration(url: syncDatabaseURL)
        } catch {
            throw Refusal(.configuration, "SYNC_DATABASE_URL: \(error.message)")
        }
    }
}
