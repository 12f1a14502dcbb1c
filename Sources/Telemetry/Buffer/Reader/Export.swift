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
    /// - Returns: How many of everything could not be read.
    /// - Throws: `DatabaseError`, and what the body throws.
    @discardableResult
    public func export(_ selection: ExportSelection, _ body: (ExportBatch) async throws -> Void) async throws -> Int {
        switch selection {
        case .everything: return try await exportEverything(body)
        case .traces(let ids): try await export(ids, body)
        case .matching(var filter):
            while true {
                let page = try await traces(filter)
                guard let last = page.last else { return 0 }
                try await export(page.map(\.traceID), body)
                filter.before = last.startTime
            }
        }
        return 0
    }

    private func export(_ ids: [TraceID], _ body: (ExportBatch) async throws -> Void) async throws {
        for start in stride(from: 0, to: ids.count, by: 50) {
            let some = ids[start..<min(start + 50, ids.count)]
            let spans = try await inView { view in
                try some.flatMap { id in try view.slices(with: id).flatMap { try $0.spans(of: id) } }
            }
            for batch in grouped(spans.map { ($0.resource, $0.payload) }) { try await body(batch) }
        }
    }

    private func exportEverything(_ body: (ExportBatch) async throws -> Void) async throws -> Int {
        var unreadable = 0
        for id in files.sliceIDs() {
            guard let last = try await offPool({ try lastSeq(id) }) else { continue }
            var (first, count) = (Int64(1), Int64(1_000))
            while first <= last {
                let stretch = first...(first + count - 1)
                switch try await offPool({ try payloads(id, stretch) }) {
                case .some(let page):
                    for batch in grouped(page.map { ($0.resource, $0.payload) }) { try await body(batch) }
                    first += count
                    count = min(count * 2, 1_000)
                case nil where count > 1: count = (count + 1) / 2
                case nil:
                    unreadable += 1
                    first += 1
                }
            }
        }
        return unreadable
    }

    /// Nil for a slice that has gone or is bad.
    private func lastSeq(_ id: Int64) throws -> Int64? {
        try SliceReader(id: id, path: files.slice(id)).flatMap(Self.counters).map { Int64($0.enqueued) }
    }

    /// Nil where one of them is bad; none where the slice has gone.
    private func payloads(_ id: Int64, _ stretch: ClosedRange<Int64>) throws -> [SliceReader.Payload]? {
        do {
            return try SliceReader(id: id, path: files.slice(id))?.payloads(stretch) ?? []
        } catch is SliceUnreadable {
            return nil
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
        let resource: [UInt8]
        let payload: [UInt8]
    }

    fileprivate func payloads(_ stretch: ClosedRange<Int64>) throws -> [Payload] {
        try read { db in
            let sql = """
                SELECT resources.payload AS resource, spans.payload AS payload
                FROM spans JOIN resources ON resources.id = resource_id WHERE seq BETWEEN ? AND ? ORDER BY seq
                """
            return try Row.fetchAll(db, sql: sql, arguments: [stretch.lowerBound, stretch.upperBound]).map { row in
                let resource: DataBytes = try row.decode(forColumn: "resource")
                let payload: DataBytes = try row.decode(forColumn: "payload")
                return Payload(resource: resource.bytes, payload: payload.bytes)
            }
        }
    }
}
