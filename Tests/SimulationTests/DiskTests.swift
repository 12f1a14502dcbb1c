import Foundation
import Logging
import ServiceTracing
import TelemetryBuffer
import Testing
import Tracing

@testable import Simulation

/// A span buffer on a disk that cannot even be read for a while.
@Suite struct DiskTests {
    @Test(arguments: 1...20, [true, false])
    func `a sound slice is kept, and the books with it, whenever the disk is gone, or that of the slices alone`(
        spans: Int,
        isWhole: Bool
    ) async throws {
        let parent = FileManager.default.temporaryDirectory.path + "/popshop-simulation-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let disk = try Disk(in: parent)
        let directory = (isWhole ? disk.path : parent) + "/telemetry"
        if !isWhole {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/slices",
                withDestinationPath: disk.path
            )
        }
        let buffer = try SpanBuffer(
            directory: directory,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let resource = Resource(attributes: ["service.name": "cart"])
        var id: UInt64 = 0
        func record(_ count: Int) throws {
            for _ in 0..<count {
                id += 1
                buffer.onEnd(try Self.span(id, resource))
            }
        }
        for round in 1...5 {
            try record(spans)
            try await buffer.flush()
            let before = await buffer.counts()
            disk.mode = .gone
            try record(spans * round)
            for _ in 0..<3 {
                await #expect(throws: (any Error).self) { try await buffer.flush() }
                let counts = await buffer.counts()
                #expect(counts.enqueued == before.enqueued && counts.pending == before.pending, "\(counts)")
            }
            disk.mode = .sound
            // The first try may be the connection's that the disk has failed.
            if (try? await buffer.flush()) == nil { try await buffer.flush() }
            let counts = await buffer.counts()
            #expect(counts.enqueued == Int(id) && counts.evicted == 0 && counts.lastError == nil, "\(counts)")
        }
        await buffer.close()
        let files = try FileManager.default.subpathsOfDirectory(atPath: parent)
        #expect(files.filter { $0.contains("corrupt") } == [])
        let reader = TraceReader(directory: directory)
        #expect(try await reader.counts().pending == Int(id))
        #expect(try await reader.traces(TraceFilter(limit: 1_000)).reduce(0) { $0 + $1.spanCount } == Int(id))
    }

    private static func span(_ id: UInt64, _ resource: Resource) throws -> SpanData {
        SpanData(
            name: "GET /cart",
            context: SpanContext(
                traceID: try #require(TraceID(high: 1, low: id % 50 + 1)),
                spanID: try #require(SpanID(id))
            ),
            startTime: 1_760_000_000_000_000_000 + id,
            endTime: 1_760_000_000_000_001_000 + id,
            resource: resource
        )
    }
}
