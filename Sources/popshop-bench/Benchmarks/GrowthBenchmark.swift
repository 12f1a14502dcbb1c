import Logging
import ServiceTracing
import TelemetryBuffer

/// What a buffer costs as it grows to a day's spans: to open, to write, to read, and in memory.
enum GrowthBenchmark {
    /// Spans in the buffer at each look.
    static let sizes = [100_000, 1_000_000, 3_000_000, 10_000_000]
    /// The last so many of each step are timed.
    private static let timed = 200_000
    private static let questions = 200
    private static let burst = 16_384
    private static let configuration = BufferConfiguration(maxBytes: 64 << 30)

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let directory = workplace.newPath("growth")
        var (traces, held, first): ([TraceID], Int, Double?) = ([], 0, nil)
        for size in sizes {
            let label = size < 1_000_000 ? "\(size / 1_000)k spans" : "\(size / 1_000_000)M spans"
            try await fill(directory, from: held, to: size - timed / 2, &traces)
            let rate = try await fill(directory, from: size - timed / 2, to: size, &traces)
            held = size
            let empty = first ?? rate
            first = empty
            report(
                Figure(
                    "\(label): written",
                    "spans/s",
                    better: .higher,
                    [rate],
                    goal: 0.9 * empty,
                    limit: ("the same into the smallest", [empty])
                )
            )
            report(Figure("\(label): opened", "ms", better: .lower, try await opened(directory), goal: 1_000))
            try await read(directory, traces, label, report)
        }
    }

    /// - Returns: Spans a second.
    @discardableResult
    private static func fill(
        _ directory: String,
        from held: Int,
        to size: Int,
        _ traces: inout [TraceID]
    ) async throws -> Double {
        let buffer = try SpanBuffer(
            directory: directory,
            configuration: configuration,
            logger: Logger(label: "bench")
        )
        var (made, busy) = (held, Duration.zero)
        while made < size {
            let start = 1_700_000_000_000_000_000 + UInt64(made) * 100_000
            let part = Samples.spans(min(burst, size - made), startingAt: start, seed: UInt64(made + 1))
            traces.append(part[part.count / 2].context.traceID)
            let begun = ContinuousClock.now
            for span in part { buffer.onEnd(span) }
            try await buffer.flush()
            busy += .now - begun
            made += part.count
        }
        await buffer.close()
        return Double(size - held) / busy.seconds
    }

    /// In milliseconds, as a shop that starts opens it.
    private static func opened(_ directory: String) async throws -> [Double] {
        var samples: [Double] = []
        for _ in 0..<5 {
            let begun = ContinuousClock.now
            let buffer = try SpanBuffer(
                directory: directory,
                configuration: configuration,
                logger: Logger(label: "bench")
            )
            samples.append((ContinuousClock.now - begun).seconds * 1_000)
            await buffer.close()
        }
        return samples
    }

    /// As the console asks: one reader for all questions.
    private static func read(
        _ directory: String,
        _ traces: [TraceID],
        _ label: String,
        _ report: (Figure) -> Void
    ) async throws {
        let reader = TraceReader(directory: directory)
        let begun = ContinuousClock.now
        _ = try await reader.traces()
        report(
            Figure("\(label): first list", "ms", better: .lower, [(ContinuousClock.now - begun).seconds * 1_000])
        )
        let filters = [
            TraceFilter(), TraceFilter(limit: 1_000), TraceFilter(errorsOnly: true), TraceFilter(minDuration: 1_000),
            TraceFilter(service: "product-catalog", minDuration: 1.9),
        ]
        let lists = try await milliseconds { number in
            let listed = try await reader.traces(filters[number % filters.count])
            guard number % filters.count > 1 || !listed.isEmpty else { throw Failure("The list is empty.") }
        }
        report(Figure("\(label): list, p99", "ms", better: .lower, [lists], goal: 50))
        // A name's part, what no name has, and how an id begins.
        let texts = ["product", "no such thing", "\(traces[traces.count / 2])"]
        let searches = try await milliseconds { number in
            let found = try await reader.traces(TraceFilter(text: texts[number % texts.count]))
            guard found.isEmpty == (number % texts.count == 1) else { throw Failure("A search goes wrong.") }
        }
        report(Figure("\(label): search, p99", "ms", better: .lower, [searches], goal: 50))
        let waterfalls = try await milliseconds { number in
            let id = traces[number * 7_919 % traces.count]
            guard try await reader.trace(id).count > 1 else { throw Failure("A trace is not found.") }
        }
        report(Figure("\(label): waterfall, p99", "ms", better: .lower, [waterfalls], goal: 20))
        report(Figure("\(label): resident", "MB", better: .lower, [try Child.ownMegabytes]))
    }

    /// The 99th percentile of as many questions.
    private static func milliseconds(_ ask: (Int) async throws -> Void) async throws -> Double {
        var samples: [Double] = []
        for number in 0..<questions {
            let begun = ContinuousClock.now
            try await ask(number)
            samples.append((ContinuousClock.now - begun).seconds * 1_000)
        }
        return samples.percentile(99)
    }
}
