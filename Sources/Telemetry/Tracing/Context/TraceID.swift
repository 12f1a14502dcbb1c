/// A trace's identity: 16 bytes, not all zero (W3C Trace Context level 2, section 3.2.2.3).
public struct TraceID: Hashable, Sendable, CustomStringConvertible {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// Nil for the all-zero id, which the specification calls invalid.
    public init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// Reads exactly 32 lowercase hex digits; nil for anything else.
    public init?(_ hex: some StringProtocol) {
        let digits = Array(hex.utf8)
        guard digits.count == 32, let high = parseHex(digits[0..<16]), let low = parseHex(digits[16..<32]) else {
            return nil
        }
        self.init(high: high, low: low)
    }

    /// Reads 16 bytes in network order; nil for another length or all zeros.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        self.init(high: bigEndian(bytes, at: 0), low: bigEndian(bytes, at: 8))
    }

    /// Reads 16 bytes in network order; nil for another length or all zeros.
    public init?(bytes: some Sequence<UInt8>) {
        guard let id = Array(bytes).withUnsafeBytes({ Self(bytes: $0) }) else { return nil }
        self = id
    }

    /// The 16 bytes in network order, as OTLP and the span buffer keep them.
    public var bytes: [UInt8] { bigEndianBytes(high) + bigEndianBytes(low) }

    /// 32 lowercase hex digits.
    public var description: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            writeHex(high, into: buffer, at: 0)
            writeHex(low, into: buffer, at: 16)
            return 32
        }
    }
}

/// A span's identity within its trace: 8 bytes, not all zero (W3C Trace Context level 2, section 3.2.2.4).
public struct SpanID: Hashable, Sendable, CustomStringConvertible {
    /// The eight bytes, big-endian.
    public let value: UInt64

    /// Nil for zero, which the specification calls invalid.
    public init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    /// Reads exactly 16 lowercase hex digits; nil for anything else.
    public init?(_ hex: some StringProtocol) {
        let digits = Array(hex.utf8)
        guard digits.count == 16, let value = parseHex(digits[...]) else { return nil }
        self.init(value)
    }

    /// Reads 8 bytes in network order; nil for another length or all zeros.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 8 else { return nil }
        self.init(bigEndian(bytes, at: 0))
    }

    /// Reads 8 bytes in network order; nil for another length or all zeros.
    public init?(bytes: some Sequence<UInt8>) {
        guard let id = Array(bytes).withUnsafeBytes({ Self(bytes: $0) }) else { return nil }
        self = id
    }

    /// The 8 bytes in network order.
    public var bytes: [UInt8] { bigEndianBytes(value) }

    /// 16 lowercase hex digits.
    public var description: String {
        String(unsafeUninitializedCapacity: 16) { buffer in
            writeHex(value, into: buffer, at: 0)
            return 16
        }
    }
}

/// The value of lowercase hex digits (at most 16), nil when one is anything else.
func parseHex(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
        default: return nil
        }
    }
    return value
}

func writeHex(_ value: UInt64, into buffer: UnsafeMutableBufferPointer<UInt8>, at offset: Int) {
    for index in 0..<16 {
        let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 0xf
        buffer[offset + index] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}

/// In place: byte by byte through a generic collection, whose kind is not known in another module, a list of traces over ten
/// million spans took ten times as long.
private func bigEndian(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
}

private func bigEndianBytes(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
}
