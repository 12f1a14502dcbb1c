/// An order's identity: a UUID of version 7 (RFC 9562, section 5.7), so that ids made later sort later.
public struct OrderID: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From the time, in milliseconds since 1970, and 74 random bits.
    public init(milliseconds: UInt64, using generator: inout some RandomNumberGenerator) {
        let random = generator.next()
        high = (milliseconds & 0xffff_ffff_ffff) << 16 | 0x7000 | random & 0x0fff
        low = 0x8000_0000_0000_0000 | generator.next() >> 2
    }

    /// Reads the 36-character form in either case, of any version; nil for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        var digits: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
                digits.append(UInt8(digit))
            }
        }
        high = digits[..<16].reduce(0) { $0 << 4 | UInt64($1) }
        low = digits[16...].reduce(0) { $0 << 4 | UInt64($1) }
    }

    /// Milliseconds since 1970 at which the id was made.
    public var milliseconds: UInt64 { high >> 16 }

    /// The 36-character form in lowercase.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var at = 0
            for index in 0..<32 {
                if [8, 12, 16, 20].contains(index) {
                    buffer[at] = UInt8(ascii: "-")
                    at += 1
                }
                let word = index < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index % 16))) & 0xf
                buffer[at] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                at += 1
            }
            return 36
        }
    }

    public static func < (left: OrderID, right: OrderID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
