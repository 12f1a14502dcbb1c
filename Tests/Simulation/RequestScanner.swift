/// A span in a request, as an ingress that shares no code with the product reads it.
struct ReceivedSpan: Hashable, Sendable {
    var id: UInt64 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0

    /// In nanoseconds.
    var length: UInt64 { end &- start }
}

/// Reads an OTLP `ExportTraceServiceRequest` (opentelemetry-proto 1.x): protobuf's wire format, and of it what is needed.
struct RequestScanner {
    /// The bytes are no such message.
    struct Malformed: Error {}

    private let bytes: [UInt8]
    private var at: Int
    private let end: Int

    static func spans(_ bytes: [UInt8]) throws -> [ReceivedSpan] {
        var spans: [ReceivedSpan] = []
        var request = RequestScanner(bytes, bytes.indices)
        try request.fields { scanner, field, content in
            guard field == 1 else { return }
            var resource = RequestScanner(scanner.bytes, content)
            try resource.fields { scanner, field, content in
                guard field == 2 else { return }
                var scope = RequestScanner(scanner.bytes, content)
                try scope.fields { scanner, field, content in
                    if field == 2 { spans.append(try RequestScanner(scanner.bytes, content).span()) }
                }
            }
        }
        return spans
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        (self.bytes, at, end) = (bytes, range.lowerBound, range.upperBound)
    }

    private func span() throws -> ReceivedSpan {
        var (scanner, span) = (self, ReceivedSpan())
        try scanner.fields { scanner, field, content in
            switch field {
            case 2: span.id = scanner.bytes[content].reduce(0) { $0 << 8 | UInt64($1) }
            case 7: span.start = scanner.bytes[content].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            case 8: span.end = scanner.bytes[content].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            default: break
            }
        }
        guard span.id != 0, span.start != 0 else { throw Malformed() }
        return span
    }

    /// Calls with each field's number and where its content is.
    private mutating func fields(_ body: (RequestScanner, Int, Range<Int>) throws -> Void) throws {
        while at < end {
            let tag = try varint()
            let length: Int
            switch tag & 7 {
            case 0:
                _ = try varint()
                continue
            case 1: length = 8
            case 2: length = Int(truncatingIfNeeded: try varint())
            case 5: length = 4
            default: throw Malformed()
            }
            guard length >= 0, length <= end - at else { throw Malformed() }
            let content = at..<at + length
            at += length
            try body(self, Int(truncatingIfNeeded: tag >> 3), content)
        }
    }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard at < end else { throw Malformed() }
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }
}
