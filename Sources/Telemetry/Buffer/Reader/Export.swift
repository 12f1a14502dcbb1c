import GRDB
public import ServiceTracing

/// Spans of one resource, as they go into one `ResourceSpans`.
public struct ExportBatch: Hashable, Sendable {
    /// The content of an OTLP `Resource` message.
    public let resource: [UInt8]
    /// The contents of OTLP `Span` messages.
    public internal(set) var spans: [[UInt8]]
}

/// What is exported.
public enum ExportSelection: Hashable, Sendable {
    /// Every span there is, in the order of their writing.
    case everything
    case traces([TraceID])
    /// Every trace that fits, however many: `limit` is only the size of a page.
    case matching(TraceFilter)
}

extension TraceReader {
    /// Hands over the selected spans, a bounded number at a time, grouped by resource.
    ///
    /// - Throws: `DatabaseError`, and what the body throws.
    public func export(_ selection: ExportSelection, _ body: (ExportBatch) async throws -> Void) async throws {
        switch selection {
        case .everything: try await exportEverything(body)
        case .traces(let ids): try await export(ids, body)
        case .matching(var filter):
            while true {
                let page = try await traces(filter)
                guard let last = page.last else { return }
                try await export(page.map(\.traceID), body)
                filter.before = last.startTime
            }
        }
    }

    private func export(_ ids: [TraceID], _ body: (ExportBatch) async throws -> Void) async throws {
        for start in stride(from: 0, to: ids.count, by: 50) {
            let some = ids[start..<min(start + 50, ids.count)]
            let spans = try await overSlices { slices in
                try some.flatMap { id in try slices.flatMap { try $0.spans(of: id) } }
            }
            for batch in grouped(spans.map { ($0.resource, $0.payload) }) { try await body(batch) }
        }
    }

    private func exportEverything(_ body: (ExportBatch) async throws -> Void) async throws {
        for id in files.sliceIDs() {
            var position: Int64 = 0
            while true {
                let after = position
                let page = try await offPool {
                    try SliceReader(id: id, path: files.slice(id))?.payloads(after: after, count: 1_000)
                }
                guard let page, let last = page.last else { break }
                for batch in grouped(page.map { ($0.resource, $0.payload) }) { try await body(batch) }
                position = last.seq
            }
        }
    }

    /// In the order in which the resources first come.
    private func grouped(_ spans: [(resource: [UInt8], payload: [UInt8])]) -> [ExportBatch] {
        var batches: [ExportBatch] = []
        var indices: [[UInt8]: Int] = [:]
        for span in spans {
            if let index = indices[span.resource] {
                batches[index].spans.append(span.payload)
            } else {
                indices[span.resource] = batches.count
                batches.append(ExportBatch(resource: span.resource, spans: [span.payload]))
            }
        }
        return batches
    }
}

extension SliceReader {
    struct Payload: Sendable {
        let seq: Int64
        let resource: [UInt8]
        let payload: [UInt8]
    }

    fileprivate func payloads(after seq: Int64, count: Int) throws -> [Payload] {
        try read { db in
            let sql = """
                SELECT seq, resources.payload AS resource, spans.payload AS payload
                FROM spans JOIN resources ON resources.id = resource_id WHERE seq > ? ORDER BY seq LIMIT ?
                """
            return try Row.fetchAll(db, sql: sql, arguments: [seq, count]).map { row in
                let resource: DataBytes = try row.decode(forColumn: "resource")
                let payload: DataBytes = try row.decode(forColumn: "payload")
                return Payload(
                    seq: try row.decode(forColumn: "seq"),
                    resource: resource.bytes,
                    payload: payload.bytes
                )
            }
        }
    }
}
