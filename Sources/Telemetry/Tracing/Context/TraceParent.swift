/// Reading and writing the `traceparent` header (W3C Trace Context level 2, section 3.2).
enum TraceParent {
    /// A version-00 header is exactly this long.
    static let length = 55

    /// Nil for every header the specification calls invalid; the caller then starts a new trace.
    static func parse(_ header: some StringProtocol) -> (TraceID, SpanID, TraceFlags)? {
        let bytes = trimmingOWS(Array(header.utf8)[...])
        guard bytes.count >= length else { return nil }
        let at = bytes.startIndex
        func field(_ range: Range<Int>) -> ArraySlice<UInt8> { bytes[at + range.lowerBound..<at + range.upperBound] }
        let dash = UInt8(ascii: "-")
        guard bytes[at + 2] == dash, bytes[at + 35] == dash, bytes[at + 52] == dash,
            let version = parseHex(field(0..<2)), version != 0xff,
            version == 0 ? bytes.count == length : bytes.count == length || bytes[at + length] == dash,
            let high = parseHex(field(3..<19)), let low = parseHex(field(19..<35)),
            let traceID = TraceID(high: high, low: low),
            let span = parseHex(field(36..<52)), let spanID = SpanID(span),
            let flags = parseHex(field(53..<55))
        else { return nil }
        return (traceID, spanID, TraceFlags(rawValue: UInt8(truncatingIfNeeded: flags)))
    }

    static func format(_ traceID: TraceID, _ spanID: SpanID, _ flags: TraceFlags) -> String {
        String(unsafeUninitializedCapacity: length) { buffer in
            let dash = UInt8(ascii: "-")
            buffer[0] = UInt8(ascii: "0")
            buffer[1] = UInt8(ascii: "0")
            buffer[2] = dash
            writeHex(traceID.high, into: buffer, at: 3)
            writeHex(traceID.low, into: buffer, at: 19)
            buffer[35] = dash
            writeHex(spanID.value, into: buffer, at: 36)
            buffer[52] = dash
            buffer[53] = UInt8(ascii: "0")
            buffer[54] = UInt8(ascii: "0") + flags.rawValue
            return length
        }
    }
}

/// Without the optional white space (space and tab) around a header's value or a list's member (RFC 9110, 5.6.3).
func trimmingOWS(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isOWS(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    var slice = bytes.drop(while: isOWS)
    while let last = slice.last, isOWS(last) { slice.removeLast() }
    return slice
}
