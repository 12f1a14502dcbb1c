import CZlib
import ConsoleAPI
import Foundation
import HTTPClient
import HTTPTypes
import Logging
import OTLP
import ServiceTracing
import ShopAPI
import TelemetryBuffer

/// How fast buffered spans leave, to an ingress in another process that only reads: by themselves, beside a busy shop,
/// and out of a backlog of a gibibyte.
enum DrainBenchmark {
    private static let spans = 2_000_000
    private static let repeats = 3

    /// The whole of `popshop sync --once`, from its start to its end.
    static func idle(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let sink = try await SinkProcess(in: workplace)
        var (ours, packing): ([Double], [Double]) = ([], [])
        for _ in 0..<repeats {
            let data = workplace.newPath("data")
            try await fill(data, spans)
            let child = try await workplace.start(
                "popshop",
                ["sync", "--data-dir", data],
                environment: sink.environment
            )
            try await child.wait()
            ours.append(Double(spans) / (ContinuousClock.now - child.started).seconds)
            packing.append(try gzipRate())
            try FileManager.default.removeItem(atPath: data)
        }
        await sink.stop()
        let limit = ("gzip level 1 of the same spans alone, on one core", packing)
        report(Figure("drain, idle shop", "spans/s", better: .higher, ours, goal: 100_000, limit: limit))
    }

    /// Of `beside`, each three seconds without a drain and three with one.
    private static let turns = 12

    /// The same moderate load of checkouts with the uplink switched off and on, by turns, over a backlog.
    static func beside(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let sink = try await SinkProcess(in: workplace)
        let data = workplace.newPath("data")
        try await fill(data, 3_000_000)
        var environment = sink.environment
        environment["TELEMETRY_BUFFER_MAX_BYTES"] = "\(8 << 30)"
        let shop = try await workplace.serve(.demo, data: data, environment: environment)
        let console = Console(shop)
        let shoppers = Shoppers(shop)
        try await console.setOnline(false)
        _ = try await shoppers.latencies(for: .seconds(2))
        sync()
        var (without, with, sent): ([[Double]], [[Double]], [Double]) = ([], [], [])
        for _ in 0..<turns {
            without.append(try await shoppers.latencies(for: .seconds(3)))
            try await console.setOnline(true)
            let before = try await console.status().spans.sent
            with.append(try await shoppers.latencies(for: .seconds(3)))
            let after = try await console.status().spans
            guard after.pending > 0 else { throw Failure("The backlog was gone before the load was.") }
            sent.append(Double(after.sent - before) / 3)
            try await console.setOnline(false)
        }
        await shop.stop()
        await sink.stop()
        try FileManager.default.removeItem(atPath: data)
        for percent in [50.0, 99] {
            let milliseconds = { (turns: [[Double]]) in turns.map { $0.percentile(percent) * 1e3 } }
            report(
                Figure(
                    "checkout p\(Int(percent)) beside a drain",
                    "ms",
                    better: .lower,
                    milliseconds(with),
                    limit: ("the same load with the uplink switched off", milliseconds(without))
                )
            )
        }
        // Of all turns together: a turn has too few purchases for a steady 99th percentile.
        let ratio = with.flatMap(\.self).percentile(99) / without.flatMap(\.self).percentile(99)
        report(Figure("p99 of all turns, over without", "times", better: .lower, [ratio], goal: 1.1))
        report(Figure("drain, busy shop", "spans/s", better: .higher, sent))
    }

    /// A shop that opens on a gibibyte of unsent spans.
    static func backlog(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let sink = try await SinkProcess(in: workplace)
        var environment = sink.environment
        environment["TELEMETRY_BUFFER_MAX_BYTES"] = "\(8 << 30)"
        let empty = try await workplace.serve(.demo, environment: environment)
        try await Task.sleep(for: .seconds(2))
        let plain = try empty.child.peakMegabytes
        await empty.stop()
        let data = workplace.newPath("data")
        try await fill(data, bytes: 1 << 30)
        var (first, memory): ([Double], [Double]) = ([], [])
        let shop = try await workplace.serve(.demo, data: data, environment: environment)
        let console = Console(shop)
        while try await console.status().spans.sent == 0 { try await Task.sleep(for: .milliseconds(2)) }
        first.append((ContinuousClock.now - shop.child.started).seconds * 1e3)
        while try await console.status().spans.pending > 0 { try await Task.sleep(for: .milliseconds(50)) }
        memory.append(try shop.child.peakMegabytes - plain)
        await shop.stop()
        await sink.stop()
        try FileManager.default.removeItem(atPath: data)
        report(Figure("backlog of 1 GiB, first sent", "ms", better: .lower, first, goal: 1_000))
        report(Figure("backlog of 1 GiB, memory", "MB more", better: .lower, memory, goal: 64))
    }

    /// A data directory with so many spans that wait, which started within the last hour.
    private static func fill(_ data: String, _ spans: Int = .max, bytes: Int = .max) async throws {
        let unlimited = BufferConfiguration(maxBytes: 8 << 30)
        let buffer = try SpanBuffer(
            directory: data + "/telemetry",
            configuration: unlimited,
            logger: Logger(label: "bench")
        )
        let start = UInt64(Date().timeIntervalSince1970 * 1e9) - 3_600_000_000_000
        let burst = 16_384
        var made = 0
        while made < spans, await buffer.counts().bytes < bytes {
            let part = Samples.spans(
                min(burst, spans - made),
                startingAt: start + UInt64(made) * 1_000,
                seed: UInt64(made + 1)
            )
            for span in part { buffer.onEnd(span) }
            try await buffer.flush()
            made += part.count
        }
        await buffer.close()
    }

    /// Spans a second through zlib's level 1, framed as a request of the lane's size.
    private static func gzipRate() throws -> Double {
        let spans = Samples.spans(4_500).map(OTLPEncoder.span)
        var request = OTLPEncoder.request(resource: OTLPEncoder.resource(Samples.resource), spans: spans)
        let begun = ContinuousClock.now
        for _ in 0..<10 {
            var stream = z_stream()
            guard czlib_gzip_init(&stream, 1) == Z_OK else { throw Failure("zlib cannot start.") }
            defer { deflateEnd(&stream) }
            var output = [UInt8](repeating: 0, count: request.count)
            let outcome = request.withUnsafeMutableBufferPointer { source in
                output.withUnsafeMutableBufferPointer { target in
                    (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
                    (stream.next_out, stream.avail_out) = (target.baseAddress, UInt32(target.count))
                    return deflate(&stream, Z_FINISH)
                }
            }
            guard outcome == Z_STREAM_END else { throw Failure("zlib did not pack.") }
        }
        return Double(spans.count * 10) / (ContinuousClock.now - begun).seconds
    }
}

/// A `Sink` in a process of its own.
private struct SinkProcess: Sendable {
    let child: Child
    /// What a popshop needs to know of it, and of nothing else.
    let environment: [String: String]

    init(in workplace: Workplace) async throws {
        let port = 7_000 + Int(getpid() % 1_000)
        let client = try CurlClient()
        child = try await workplace.start("popshop-bench", ["sink", "--port", "\(port)"])
        let url = "http://127.0.0.1:\(port)"
        environment = ["OTEL_EXPORTER_OTLP_ENDPOINT": url, "LOG_LEVEL": "error"]
        try await ShopProcess.wait(for: url, client, child)
        await client.shutDown()
    }

    func stop() async { await child.stop() }
}

/// A shop's console.
private struct Console: Sendable {
    private let shop: ShopProcess

    init(_ shop: ShopProcess) { self.shop = shop }

    func status() async throws -> StatusMessage {
        let answer = try await shop.client.send(OutgoingRequest(url: shop.url(.console, "/api/status")))
        return try JSON.decoder.decode(StatusMessage.self, from: Data(answer.body))
    }

    func setOnline(_ isOnline: Bool) async throws {
        let request = OutgoingRequest.post(shop.url(.console, "/api/network"), #"{"online":\#(isOnline)}"#)
        let answer = try await shop.client.send(request)
        guard answer.status == .ok else { throw Failure("The console answers \(answer.status.code) to a switch.") }
    }
}

/// A few people who fill a cart and buy it, one after the other: the shop is busy, and no queue stands before it.
private struct Shoppers: Sendable {
    private static let people = 2
    private let shop: ShopProcess

    init(_ shop: ShopProcess) { self.shop = shop }

    /// - Returns: How long each checkout took, in seconds.
    func latencies(for duration: Duration) async throws -> [Double] {
        let end = ContinuousClock.now + duration
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for person in 0..<Self.people { group.addTask { try await buy(as: person, until: end) } }
            return try await group.reduce([], +)
        }
    }

    private func buy(as person: Int, until end: ContinuousClock.Instant) async throws -> [Double] {
        var latencies: [Double] = []
        while ContinuousClock.now < end {
            try await post(
                shop.url(.cart, "/cart/bench-\(person)/add"),
                #"{"product_id":\#(latencies.count % 21 + 1)}"#
            )
            let begun = ContinuousClock.now
            try await post(shop.url(.checkout, "/checkout"), #"{"cart_id":"bench-\#(person)","user_id":"bench"}"#)
            latencies.append((ContinuousClock.now - begun).seconds)
        }
        return latencies
    }

    private func post(_ url: String, _ body: String) async throws {
        let answer = try await shop.client.send(.post(url, body))
        guard (200..<300).contains(answer.status.code) else { throw Failure("A shopper got \(answer.status.code).") }
    }
}
