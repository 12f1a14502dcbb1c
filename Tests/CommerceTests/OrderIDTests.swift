import Commerce
import Testing

struct OrderIDTests {
    @Test("The layout is that of RFC 9562, section 5.7")
    func layout() throws {
        var ones = Fixed(value: .max)
        let id = OrderID(milliseconds: 0x0123_4567_89ab, using: &ones)
        #expect(id.description == "01234567-89ab-7fff-bfff-ffffffffffff")
        var zeros = Fixed(value: 0)
        #expect(OrderID(milliseconds: 0, using: &zeros).description == "00000000-0000-7000-8000-000000000000")
        // The RFC's own example, appendix A.6.
        let example = try #require(OrderID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
        #expect(example.milliseconds == 1_645_557_742_000)
        #expect(example.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    }

    @Test("Version and variant stand whatever the random bits are, and the time is kept")
    func versions() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1000 {
            let milliseconds = UInt64.random(in: 0..<1 << 48, using: &random)
            let id = OrderID(milliseconds: milliseconds, using: &random)
            let text = Array(id.description)
            #expect(text[14] == "7" && "89ab".contains(text[19]))
            #expect(id.milliseconds == milliseconds)
            #expect(OrderID(id.description) == id)
            #expect(OrderID(id.description.uppercased()) == id)
        }
    }

    @Test("Ids made later sort later, as ids and as texts")
    func order() {
        var random = SystemRandomNumberGenerator()
        let times: [UInt64] = [0, 1, 255, 256, 1_700_000_000_000, 1_700_000_000_001, (1 << 48) - 1]
        let ids = times.map { OrderID(milliseconds: $0, using: &random) }
        #expect(ids == ids.sorted())
        #expect(ids.map(\.description) == ids.map(\.description).sorted())
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 && !($1 < $0) })
    }

    @Test("Ten thousand ids of one millisecond are all different")
    func uniqueness() {
        var random = SystemRandomNumberGenerator()
        let ids = Set((0..<10_000).map { _ in OrderID(milliseconds: 1, using: &random) })
        #expect(ids.count == 10_000)
    }

    @Test(
        "What is no UUID is none",
        arguments: [
            "", "0", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff", "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
            "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "{17f22e2-79b0-7cc3-98c4-dc0c0c073980}",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398\u{ff16}", "0١7f22e2-79b0-7cc3-98c4-dc0c0c0739",
            "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4 dc0c0c07398f",
        ]
    )
    func garbage(text: String) {
        #expect(OrderID(text) == nil)
    }

    private struct Fixed: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }
}
