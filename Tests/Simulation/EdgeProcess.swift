import Commerce
import ConnectionPool
import Logging
import SQLiteStorage
import ServiceTracing
import Storage
import Sync
import TelemetryBuffer

/// What runs on an edge until it is stopped or killed: the product's own buffer, database and lanes.
final class EdgeProcess {
    let buffer: SpanBuffer
    let outbox: SpanOutbox
    let spans: SpanUplink
    let shop: ShopDatabase
    let store: SQLiteOrderStore
    let orders: OrderUplink
    let recorder: Recorder

    /// - Throws: What the disk says.
    init(on disk: Disk, of edge: Edge, traits: Traits, seed: UInt64) throws {
        let logger = Logger(label: "simulation") { _ in WarningKeeper(edge.oracle.name, edge.log) }
        buffer = try SpanBuffer(
            directory: disk.path + "/telemetry",
            configuration: BufferConfiguration(
                maxBytes: traits.bufferBytes,
                sliceBytes: traits.sliceBytes,
                queueSpans: traits.queueSpans
            ),
            logger: logger,
            clock: edge.clock
        )
        if !buffer.openReport.setAside.isEmpty || buffer.openReport.rebuiltLedger {
            edge.oracle.violation("a sound file was set aside: \(buffer.openReport)")
        }
        outbox = buffer.outbox()
        recorder = Recorder(buffer, edge.oracle)
        let sync = ServiceTracer(
            resource: Resource(attributes: ["service.name": "sync"]),
            processor: recorder,
            ids: IDGenerator(seed: seed),
            clock: edge.clock
        )
        spans = SpanUplink(
            outbox: outbox,
            transport: edge.spanLine,
            upstream: SpanUpstream(url: "https://ingress.test/v1/traces", key: .fixed("a-key")),
            tracer: sync,
            options: traits.spanOptions,
            clock: edge.clock,
            seed: seed,
            logger: logger
        )
        shop = try ShopDatabase(path: disk.path + "/shop.sqlite", now: 1_760_000_000_000)
        let unseen = ServiceTracer(
            resource: Resource(attributes: ["service.name": "checkout"]),
            processor: recorder,
            sampler: .alwaysOff,
            clock: edge.clock
        )
        store = SQLiteOrderStore(
            database: shop,
            readers: shop.readers("checkout", PoolConfiguration(size: 1)),
            tracer: unseen
        )
        orders = OrderUplink(
            outbox: try shop.outbox(),
            upstream: edge.orderLine,
            tracer: sync,
            options: traits.orderOptions,
            clock: edge.clock,
            seed: seed ^ 1,
            logger: logger
        )
    }

    /// An orderly end.
    func close() async {
        spans.stop()
        orders.stop()
        await buffer.close()
        try? await shop.close()
    }
}

/// Hands spans to the buffer, and tells the oracle of those that it has taken.
final class Recorder: SpanProcessor {
    private let buffer: SpanBuffer
    private let oracle: SpanOracle

    init(_ buffer: SpanBuffer, _ oracle: SpanOracle) { (self.buffer, self.oracle) = (buffer, oracle) }

    func onEnd(_ span: SpanData) { record(span, .plain) }

    func record(_ span: SpanData, _ nature: SpanNature) {
        guard buffer.append(EncodedSpan(span)) else { return }
        let sent = ReceivedSpan(id: span.context.spanID.value, start: span.startTime, end: span.endTime)
        oracle.note(sent, nature)
    }
}

/// Keeps what is logged in a world's own log. Nothing in a world damages a file, so none may be found damaged.
struct WarningKeeper: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning
    private let name: String
    private let log: EventLog

    init(_ name: String, _ log: EventLog) { (self.name, self.log) = (name, log) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        log.note("\(name) \(event.level): \(event.message)")
        let message = event.message.description
        if message.contains("set aside") || message.contains("slice cannot be read") {
            log.violation("\(name): a file that is sound was found damaged: \(message)")
        }
    }
}
