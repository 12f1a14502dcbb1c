/// What protobuf's wire format is written to: a counter of bytes or the bytes themselves. One description of a message
/// serves both, so that the lengths in front of nested messages are known before they are written and nothing moves.
protocol WireSink {
    mutating func varint(_ value: UInt64)
    mutating func fixed32(_ value: UInt32)
    mutating func fixed64(_ value: UInt64)
    mutating func text(_ value: String)
    mutating func raw(_ bytes: some Collection<UInt8>)
    /// A field that is a message.
    mutating func message(_ field: UInt64, _ message: some WireMessage)
}

/// What knows its own fields (protobuf encoding guide, *Message Structure*).
protocol WireMessage {
    func write(to sink: inout some WireSink)
}

extension WireMessage {
    /// How long the message's content is.
    var wireSize: Int {
        var counter = WireCounter()
        write(to: &counter)
        return counter.count
    }

    /// The message's content: allocated once, at its exact length.
    var wireBytes: [UInt8] { writeWire(wireSize) { write(to: &$0) } }
}

/// Bytes of a length known beforehand.
func writeWire(_ size: Int, _ body: (inout WireWriter) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        var writer = WireWriter(buffer)
        body(&writer)
        count = writer.count
    }
}

// The fields of a message, each a tag and a value. Zero and empty are left out, as proto3 does.
extension WireSink {
    @inline(__always)
    mutating func tag(_ field: UInt64, _ type: UInt64) { varint(field << 3 | type) }

    @inline(__always)
    mutating func number(_ field: UInt64, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, 0)
        varint(value)
    }

    @inline(__always)
    mutating func fixed32(_ field: UInt64, _ value: UInt32) {
        guard value != 0 else { return }
        tag(field, 5)
        fixed32(value)
    }

    @inline(__always)
    mutating func fixed64(_ field: UInt64, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, 1)
        fixed64(value)
    }

    @inline(__always)
    mutating func string(_ field: UInt64, _ value: String) {
        if !value.isEmpty { present(field, value) }
    }

    /// A string that is there also when it is empty: a member of a `oneof`.
    @inline(__always)
    mutating func present(_ field: UInt64, _ value: String) {
        tag(field, 2)
        varint(UInt64(value.utf8.count))
        text(value)
    }

    @inline(__always)
    mutating func bytes(_ field: UInt64, _ value: some Collection<UInt8>) {
        tag(field, 2)
        varint(UInt64(value.count))
        raw(value)
    }

    /// An id of eight or sixteen bytes, in network order.
    @inline(__always)
    mutating func id(_ field: UInt64, high: UInt64? = nil, _ low: UInt64) {
        tag(field, 2)
        varint(high == nil ? 8 : 16)
        if let high { fixed64(high.byteSwapped) }
        fixed64(low.byteSwapped)
    }
}

/// How many bytes a varint takes: one for every seven bits.
@inline(__always)
func varintSize(_ value: UInt64) -> Int { (70 - (value | 1).leadingZeroBitCount) / 7 }

/// Counts what would be written.
struct WireCounter: WireSink {
    private(set) var count = 0

    mutating func varint(_ value: UInt64) { count += varintSize(value) }
    mutating func fixed32(_ value: UInt32) { count += 4 }
    mutating func fixed64(_ value: UInt64) { count += 8 }
    mutating func text(_ value: String) { count += value.utf8.count }
    mutating func raw(_ bytes: some Collection<UInt8>) { count += bytes.count }

    mutating func message(_ field: UInt64, _ message: some WireMessage) {
        let size = message.wireSize
        tag(field, 2)
        count += varintSize(UInt64(size)) + size
    }
}

/// Writes into memory of a known length; past its end it traps, in release too.
struct WireWriter: WireSink {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = UnsafeMutableRawBufferPointer(buffer) }

    mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            byte(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        byte(UInt8(truncatingIfNeeded: value))
    }

    mutating func fixed32(_ value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { copy($0) }
    }

    mutating func fixed64(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { copy($0) }
    }

    mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    mutating func raw(_ bytes: some Collection<UInt8>) {
        if bytes.withContiguousStorageIfAvailable({ copy(UnsafeRawBufferPointer($0)) }) == nil {
            for byte in bytes { self.byte(byte) }
        }
    }

    mutating func message(_ field: UInt64, _ message: some WireMessage) {
        tag(field, 2)
        varint(UInt64(message.wireSize))
        message.write(to: &self)
    }

    @inline(__always)
    private mutating func byte(_ value: UInt8) {
        precondition(count < buffer.count)
        buffer[count] = value
        count += 1
    }

    @inline(__always)
    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= buffer.count - count)
        guard let source = bytes.baseAddress, let target = buffer.baseAddress else { return }
        (target + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }
}
