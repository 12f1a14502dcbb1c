import Logging
import ServiceTracing
import TelemetryBuffer

/// How many spans a second reach the disk, beside the same rows written by SQLite alone.
enum BufferBenchmark {
    private static let spans = 200_000
    /// Handed over before the last such is on disk: two of them fit into the queue.
    private static let burst = 16_384
    private static let repeats = 7

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let data = Samples.spans(spans)
        var ours: [Double] = []
        var bare: [Double] = []
        for _ in 0..<repeats {
            ours.append(try await buffered(data, workplace.newPath("telemetry")))
            bare.append(try BareSQLite.rate(data, workplace.newPath("bare.sqlite")))
        }
        report(
            Figure(
                "buffer",
                "spans/s",
                better: .higher,
                ours,
                goal: 100_000,
                limit: ("the same rows, encoded beforehand, through bare sqlite3", bare)
            )
        )
    }

    /// Encoded, queued, written, flushed: as a tracer does it.
    private static func buffered(_ data: [SpanData], _ directory: String) async throws -> Double {
        let buffer = try SpanBuffer(directory: directory, logger: Logger(label: "bench"))
        let begun = ContinuousClock.now
        var flushing: Task<Void, any Error>?
        for start in stride(from: 0, to: data.count, by: burst) {
            for span in data[start..<min(start + burst, data.count)] { buffer.onEnd(span) }
            try await flushing?.value
            flushing = Task { try await buffer.flush() }
        }
        try await flushing?.value
        let seconds = (ContinuousClock.now - begun).seconds
        let counts = await buffer.counts()
        await buffer.close()
        guard counts.pending == data.count, counts.dropped == 0 else {
            throw Failure("Of \(data.count) spans the buffer has \(counts.pending), and dropped \(counts.dropped).")
        }
        return Double(data.count) / seconds
    }
}
