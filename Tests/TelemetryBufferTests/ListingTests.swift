import Foundation
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

/// Lists of traces over many slices, held against what a list of all spans says.
@Suite struct ListingTests {
    private let scratch = Scratch()
    private let services = ["checkout", "catalog", "cart", "load-generator"]

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `whatever is asked for, slices give what all spans together would`(_ seed: UInt64) async throws {
        var random = SplitMix(state: seed)
        let (buffer, spans) = (try scratch.buffer(), Spans())
        // One reader for all questions, so that what it knows of a slice has to stay right.
        let reader = scratch.reader
        var slices: [[SpanData]] = []
        var isSealed = true
        for round in 0..<12 {
            var slice: [SpanData] = []
            for _ in 0..<1 + random.below(40) {
                // Few traces: many of them have parts in several slices.
                let trace = 1 + random.below(60)
                slice.append(
                    try spans.span(
                        trace,
                        random.next() & 0xffff | 1,
                        parent: 1,
                        services[Int(random.below(4))],
                        random.below(20) == 0 ? "GET /cart" : "POST /add",
                        start: trace * 100 + random.below(3) * UInt64(round) * 500,
                        duration: random.below(3_000),
                        outcome: random.below(12) == 0 ? .error("x") : .unset
                    )
                )
            }
            for span in slice { buffer.onEnd(span) }
            try await buffer.flush()
            slices.append(isSealed ? slice : slices.removeLast() + slice)
            for _ in 0..<10 { try await compare(reader, slices, question(&random)) }
            isSealed = random.below(4) > 0
            if isSealed { try await buffer.writer.sealActive() }
            if random.below(5) == 0, await buffer.writer.dropOldest() { slices.removeFirst() }
        }
        for _ in 0..<60 { try await compare(reader, slices, question(&random)) }
    }

    @Test func `a slice that is dropped after it was read gives its space back`() async throws {
        let (buffer, spans) = (try scratch.buffer(), Spans())
        for trace in 1...20 as ClosedRange<UInt64> { buffer.onEnd(try spans.span(trace, 1)) }
        try await buffer.flush()
        try await buffer.writer.sealActive()
        buffer.onEnd(try spans.span(1, 2))
        try await buffer.flush()
        let reader = scratch.reader
        #expect(try await reader.traces().count == 20)
        #expect(await buffer.writer.dropOldest())
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        #expect(!open.contains { $0.contains(scratch.path) && $0.hasSuffix("(deleted)") })
        #expect(try await reader.traces().map(\.spanCount) == [1])
    }

    private func question(_ random: inout SplitMix) -> TraceFilter {
        let route = random.below(4) == 0 ? "GET /cart" : nil
        return TraceFilter(
            service: random.below(3) == 0 ? services[Int(random.below(4))] : nil,
            minDuration: random.below(3) == 0 ? Double(random.below(4_000)) / 1_000 : nil,
            errorsOnly: random.below(3) == 0,
            route: route,
            limit: Int(1 + random.below(30)),
            before: random.below(3) == 0 ? Spans.base + random.below(8_000) * 1_000 : nil
        )
    }

    private func compare(_ reader: TraceReader, _ slices: [[SpanData]], _ filter: TraceFilter) async throws {
        let traces = Dictionary(grouping: slices.joined(), by: \.context.traceID).map(Whole.init)
        let fitting = traces.filter { $0.fits(filter) }.sorted { $0.start > $1.start }
        let expected =
            fitting.count > filter.limit
            ? fitting.filter { $0.start >= fitting[filter.limit - 1].start } : fitting
        let listed = try await reader.traces(filter)
        #expect(Set(listed.map(\.traceID)) == Set(expected.map(\.id)), "\(filter)")
        #expect(listed.map(\.startTime) == expected.map(\.start), "\(filter)")
        for trace in listed { #expect(trace.spanCount == expected.first { $0.id == trace.traceID }?.spans) }
    }
}

/// A trace as all its spans have it.
private struct Whole {
    let id: TraceID
    let start: UInt64
    let end: UInt64
    let spans: Int
    let hasError: Bool
    let services: Set<String>
    let names: Set<String>

    init(_ id: TraceID, _ spans: [SpanData]) {
        self.id = id
        start = spans.map(\.startTime).min() ?? 0
        end = spans.map(\.endTime).max() ?? 0
        self.spans = spans.count
        hasError = spans.contains { if case .error = $0.outcome { true } else { false } }
        services = Set(spans.map(\.resource.serviceName))
        names = Set(spans.map(\.name))
    }

    func fits(_ filter: TraceFilter) -> Bool {
        if let before = filter.before, start >= before { return false }
        if let service = filter.service, !services.contains(service) { return false }
        if let duration = filter.minDuration, Double(end - start) / 1e6 < duration { return false }
        if let route = filter.route, !names.contains(route) { return false }
        return hasError || !filter.errorsOnly
    }
}

extension SplitMix {
    fileprivate mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }
}

extension BufferWriter {
    /// - Returns: False when none is sealed.
    fileprivate func dropOldest() -> Bool {
        guard let slice = sealed.first else { return false }
        do {
            try fold(slice)
        } catch {
            return false
        }
        unlink(slice)
        return true
    }
}
