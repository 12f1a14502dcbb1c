import ChildProcess
import Foundation
import Logging
import ServiceTracing
import Testing
import Tracing

@testable import TelemetryBuffer

/// A folder of its own, removed with the value.
final class Scratch: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/popshop-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: BufferFiles { BufferFiles(directory: path) }

    /// What a kill leaves behind: the files as they are, logs in place. By another process, since to open and close a
    /// file that SQLite holds would take away its locks.
    func copied() throws -> Scratch {
        let copy = Scratch()
        try #require(try ChildProcess.run("/bin/cp", ["-r", path, copy.path]).code == 0)
        return copy
    }

    func buffer(_ configuration: BufferConfiguration = BufferConfiguration()) throws -> SpanBuffer {
        try SpanBuffer(
            directory: path,
            configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    var reader: TraceReader { TraceReader(directory: path) }
}

/// Spans with ids, times and services of one's choosing.
struct Spans {
    static let base: UInt64 = 1_760_000_000_000_000_000
    private let resources: [String: Resource]

    init(_ services: [String] = ["checkout", "catalog", "cart", "load-generator"]) {
        resources = Dictionary(
            uniqueKeysWithValues: services.map { ($0, Resource(attributes: ["service.name": .string($0)])) }
        )
    }

    /// - Parameter start: Microseconds after the base.
    func span(
        _ trace: UInt64,
        _ id: UInt64,
        parent: UInt64? = nil,
        _ service: String = "checkout",
        _ name: String = "POST /api/checkout",
        kind: SpanKind = .server,
        start: UInt64 = 0,
        duration: UInt64 = 1_000,
        attributes: Attributes = [:],
        outcome: SpanOutcome = .unset
    ) throws -> SpanData {
        let context = SpanContext(
            traceID: try #require(TraceID(high: 0xabcd_0000_0000_0000 | trace, low: 7)),
            spanID: try #require(SpanID(trace << 16 | id))
        )
        return SpanData(
            name: name,
            kind: kind,
            context: context,
            parentSpanID: parent.flatMap { SpanID(trace << 16 | $0) },
            startTime: Self.base + start * 1_000,
            endTime: Self.base + (start + duration) * 1_000,
            attributes: attributes,
            outcome: outcome,
            resource: try #require(resources[service])
        )
    }
}

func traceID(_ trace: UInt64) throws -> TraceID { try #require(TraceID(high: 0xabcd_0000_0000_0000 | trace, low: 7)) }

extension BufferCounts {
    /// What must hold whatever happened: all that was offered is somewhere, once.
    func balances(offered: Int) -> Bool {
        enqueued + dropped == offered && enqueued == pending + sent + rejected + expired + evicted + quarantined
    }
}
