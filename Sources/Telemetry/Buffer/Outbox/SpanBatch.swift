import OTLP

/// Spans of one slice on their way to a backend, as the bytes they were stored as.
public struct SpanBatch: Sendable {
    /// One of them. Its bytes lie among all others', so that a span costs no allocation of its own on its way.
    struct Item: Sendable {
        let seq: Int64
        let resource: Int64
        /// Where in `payloads`.
        let payload: Range<Int>
    }

    let slice: Int64
    let items: ArraySlice<Item>
    let payloads: [UInt8]
    let resources: [Int64: [UInt8]]

    /// How many spans.
    public var count: Int { items.count }

    /// What its spans' payloads take together.
    public var bytes: Int { items.reduce(0) { $0 + $1.payload.count } }

    /// One OTLP `ExportTraceServiceRequest`, grouped by resource.
    public var request: [UInt8] {
        var groups: [Int64: [Range<Int>]] = [:]
        for item in items { groups[item.resource, default: []].append(item.payload) }
        return groups.sorted { $0.key < $1.key }.reduce(into: []) { bytes, group in
            bytes += OTLPEncoder.request(resource: resources[group.key] ?? [], spans: group.value, of: payloads)
        }
    }

    /// For finding the one that is refused. Of a batch of one the second half is empty.
    public var halves: (first: SpanBatch, second: SpanBatch) {
        let middle = items.startIndex + (items.count + 1) / 2
        return (part(items[..<middle]), part(items[middle...]))
    }

    private func part(_ items: ArraySlice<Item>) -> SpanBatch {
        SpanBatch(slice: slice, items: items, payloads: payloads, resources: resources)
    }

    /// The spans by stretches without a gap.
    var ranges: [ClosedRange<Int64>] {
        var ranges: [ClosedRange<Int64>] = []
        for item in items { ranges.append(consecutive: item.seq) }
        return ranges
    }
}

/// What the outbox has to give.
public struct OutboxTake: Sendable {
    /// Nil when nothing is to be sent now.
    public let batch: SpanBatch?
    /// Spans met and left waiting since they are dated too far ahead.
    public let held: Int
}
