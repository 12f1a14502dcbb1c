public import Logging
public import ServiceLifecycle
public import ServiceTracing

/// The durable span buffer: takes spans from tracers without ever making them wait, and has them on disk within 50 ms.
///
/// Run it in a `ServiceGroup`, below everything that makes spans, so that it stops last.
public final class SpanBuffer: SpanProcessor, Service {
    /// What was found on opening.
    public let openReport: OpenReport
    private let configuration: BufferConfiguration
    let queue: SpanQueue
    let writer: BufferWriter
    private let timer: any Clock<Duration>
    private let logger: Logger

    /// Opens the buffer, which takes some milliseconds of disk work.
    ///
    /// A slice or a ledger that is corrupt is moved aside and the buffer opens without it; of one that a newer version wrote
    /// nothing is touched.
    ///
    /// - Parameters:
    ///   - directory: `<data-dir>/telemetry`; made when it is not there. Belongs to one process.
    ///   - clock: The time written to the ledger.
    ///   - timer: What the flush interval and the back-off are measured by.
    /// - Throws: What the file system or SQLite says: no rights, no room, a disk that fails, a newer version's file.
    public init(
        directory: String,
        configuration: BufferConfiguration = BufferConfiguration(),
        logger: Logger,
        clock: any TraceClock = SystemTraceClock(),
        timer: any Clock<Duration> = ContinuousClock()
    ) throws {
        let opened = try BufferOpening(
            files: BufferFiles(directory: directory),
            configuration: configuration,
            clock: clock,
            logger: logger
        )
        openReport = opened.report
        queue = SpanQueue(maxSpans: configuration.queueSpans, maxBytes: configuration.queueBytes)
        writer = BufferWriter(opened: opened, configuration: configuration, queue: queue, clock: clock, logger: logger)
        self.configuration = configuration
        self.timer = timer
        self.logger = logger
    }

    /// Encodes the span and puts it in the queue; when that is full the span is counted as dropped.
    public func onEnd(_ span: SpanData) { append(EncodedSpan(span)) }

    /// Puts a span that is already encoded in the queue.
    ///
    /// - Returns: False when the queue is full and the span was counted as dropped.
    @discardableResult
    public func append(_ span: EncodedSpan) -> Bool {
        switch queue.append(span) {
        case .accepted: return true
        case .dropped(let first):
            if first { logger.warning("The span buffer's queue is full or closed: spans are dropped") }
            return false
        }
    }

    /// Whether so many spans more would find a place in the queue, and leave some to others.
    public func hasRoom(for count: Int) -> Bool { queue.held + count <= mostAtOnce }

    /// More at a time never find a place.
    public var mostAtOnce: Int { configuration.queueSpans * 3 / 4 }

    /// Writes until the group shuts down or the task is cancelled, and then once more. The owner calls `close()` when
    /// nothing makes spans any more: when a group is cancelled, that is after this has returned.
    public func run() async {
        await cancelWhenGracefulShutdown { await self.drainUntilCancelled() }
        try? await writer.drain()
    }

    /// Returns when everything handed over before the call is on disk.
    ///
    /// - Throws: What SQLite says; what could not be written stays in memory and is tried again.
    public func flush() async throws { try await writer.drain() }

    /// Writes what waits and closes the files; spans that come later are dropped and counted.
    public func close() async {
        queue.close()
        try? await writer.drain()
        await writer.close()
    }

    /// The books, exact at the moment of the call.
    public func counts() async -> BufferCounts { await writer.counts() }

    /// The waiting end, for the one lane that sends: two outboxes of one buffer would lend the same spans twice.
    public func outbox() -> SpanOutbox { SpanOutbox(writer, logger: logger) }

    private func drainUntilCancelled() async {
        var backOff = BackOff()
        while !Task.isCancelled {
            await queue.wait(for: 1)
            await pause(configuration.flushInterval, unlessWaiting: SpanQueue.chunkSpans)
            do {
                try await writer.drain()
                backOff = BackOff()
            } catch {
                try? await timer.sleep(for: backOff.next())
            }
        }
    }

    /// Waits for company, but not when there is enough of it.
    private func pause(_ interval: Duration, unlessWaiting threshold: Int) async {
        await withTaskGroup { group in
            group.addTask { [timer] in try? await timer.sleep(for: interval) }
            group.addTask { [queue] in await queue.wait(for: threshold) }
            await group.next()
            group.cancelAll()
        }
    }
}

/// Full jitter: `rand(0, min(cap, base·2ⁿ))` (TELEMETRY, promise 2).
private struct BackOff {
    private var attempt = 0

    mutating func next() -> Duration {
        let ceiling = min(Duration.seconds(5), .milliseconds(50) * (1 << min(attempt, 10)))
        attempt += 1
        return .nanoseconds(
            Int64.random(
                in: 0...ceiling.components.seconds * 1_000_000_000 + ceiling.components.attoseconds / 1_000_000_000
            )
        )
    }
}
