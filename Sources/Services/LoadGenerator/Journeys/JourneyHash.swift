/// What a sequence of journeys comes down to: FNV-1a, 64 bits, over the names and drawn values in arrival order.
///
/// Two shows of one seed have the same hash after the same number of arrivals.
public struct JourneyHash: Hashable, Sendable, CustomStringConvertible {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    /// Takes in the next arrival.
    public mutating func add(_ journey: PlannedJourney) {
        for text in [journey.name, journey.sessionID, journey.userID, journey.cartID] { add(text) }
        for draw in journey.draws {
            add(draw.name)
            add(draw.value.text)
        }
    }

    /// 16 hex digits.
    public var description: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        // No byte of UTF-8: "ab", "c" is not "a", "bc".
        add(0xff)
    }

    private mutating func add(_ byte: UInt8) {
        state = (state ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}
