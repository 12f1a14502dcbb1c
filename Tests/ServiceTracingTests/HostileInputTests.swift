import HTTPTypes
import Testing

@testable import ServiceTracing

/// Seeded random garbage: nothing traps, and what is read formats back to itself.
@Suite(.timeLimit(.minutes(15))) struct HostileInputTests {
    private static let any = (UInt8.min...UInt8.max).map { $0 }
    private static let telling = Array("0123456789abcdefABCDEFxyz-_*/@,;=% \t\"\\\u{7f}é😀".utf8)

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `any traceparent is read as itself or not at all`(seed: UInt64) {
        var garbage = Garbage(seed: seed)
        var accepted = 0
        for _ in 0..<5_000 {
            let text =
                switch garbage.number(0...2) {
                case 0: garbage.text(from: Self.any, upTo: 80)
                case 1: garbage.text(from: Array("0123456789abcdef-".utf8), upTo: 60)
                default: garbage.mutate(traceparent().1)
                }
            guard let context = SpanContext(traceParent: text) else { continue }
            accepted += 1
            #expect(text.contains(context.traceID.description) && text.contains(context.spanID.description))
            #expect(SpanContext(traceParent: context.traceParent) == context)
            #expect(context.traceParent.utf8.count == 55)
        }
        #expect(accepted > 0, "the generator finds valid ones too")
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `any tracestate is read as itself or not at all`(seed: UInt64) {
        var garbage = Garbage(seed: seed)
        var accepted = 0
        for _ in 0..<3_000 {
            let headers = (0..<garbage.number(1...3)).map { _ in
                switch garbage.number(0...2) {
                case 0: garbage.text(from: Self.any, upTo: 60)
                case 1: garbage.text(from: Array("ab0=, \t@".utf8), upTo: 12)
                default: garbage.mutate("rojo=00f067aa,0congo@t= x y,foo/*=1")
                }
            }
            let state = TraceState(headers: headers)
            #expect(state.members.count <= 32)
            guard let header = state.header() else { continue }
            accepted += 1
            #expect(TraceState(headers: [header]) == state)
            #expect(header == state.members.joined(separator: ","))
        }
        #expect(accepted > 0)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `any baggage, once read, formats back to itself`(seed: UInt64) {
        var garbage = Garbage(seed: seed)
        var accepted = 0
        for _ in 0..<3_000 {
            let headers = (0..<garbage.number(1...3)).map { _ in
                switch garbage.number(0...2) {
                case 0: garbage.text(from: Self.any, upTo: 60)
                case 1: garbage.text(from: Self.telling, upTo: 40)
                default: garbage.mutate("session.id=a%20b%E2%82%AC,synthetic_request=true;p=1;q,k==")
                }
            }
            let baggage = Baggage(headers: headers)
            guard let header = baggage.header else { continue }
            accepted += 1
            #expect(Baggage(headers: [header]) == baggage)
            #expect(Baggage(headers: [header]).header == header)
            #expect(header.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x09 })
        }
        #expect(accepted > 0)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `any value an application puts into baggage arrives`(seed: UInt64) {
        var garbage = Garbage(seed: seed)
        for _ in 0..<2_000 {
            let value = garbage.text(from: Self.any, upTo: 100)
            var baggage = Baggage()
            baggage["k"] = value
            #expect(baggage.header.map { Baggage(headers: [$0])["k"] } == value)
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a service sends on a valid context whatever it was sent`(seed: UInt64) {
        var garbage = Garbage(seed: seed)
        for _ in 0..<500 {
            let names = ["traceparent", "tracestate", "baggage"]
            let headers = (0..<garbage.number(0...6)).map { _ in
                (garbage.pick(names), garbage.text(from: Self.any, upTo: 70))
            }
            let hop = Hop(headers + (garbage.number(0...1) == 0 ? [traceparent()] : []))
            #expect(hop.parent != nil)
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `ids format back to themselves`(seed: UInt64) {
        var garbage = Garbage(seed: seed)
        for _ in 0..<2_000 {
            let (high, low) = (garbage.bits(), garbage.bits())
            #expect(
                TraceID(high: high, low: low).map { TraceID($0.description) == $0 && TraceID(bytes: $0.bytes) == $0 }
                    == true
            )
            #expect(SpanID(low).map { SpanID($0.description) == $0 && SpanID(bytes: $0.bytes) == $0 } == true)
        }
    }

    /// Quadratic work on these would outlast the suite's limit.
    @Test(arguments: [
        " ", "\t", ",", " ,", "=", "a=1,", "a", "%", "%41", "a=%", ";", "a=1;p,", "@", "-", "0", "é", "a=b;",
    ])
    func `headers of a quarter of a megabyte are read in linear time to something bounded`(unit: String) {
        let long = String(repeating: unit, count: 250_000 / unit.utf8.count)
        #expect(SpanContext(traceParent: long) == nil)
        #expect(SpanContext(traceParent: "cc-\(parentTrace)-\(parentSpan)-01-" + long) != nil)
        for header in [long, "k=" + long, "k=1" + long, "k=1;" + long] {
            let state = TraceState(headers: [header])
            #expect(state.members.count <= 32)
            #expect((state.header()?.utf8.count ?? 0) <= TraceState.maximumCharacters)
            let baggage = Baggage(headers: [header])
            #expect(baggage.members.count <= 64)
            #expect(baggage.members.reduce(0) { $0 + $1.value.utf8.count + $1.properties.utf8.count } <= 3 * 8192)
            #expect((baggage.header?.utf8.count ?? 0) <= 8192)
        }
        #expect(TraceID(long) == nil && SpanID(long) == nil)
    }

    @Test func `a hundred thousand headers are read to something bounded`() {
        let many = (0..<100_000).map { "k\($0)=v" }
        #expect(Baggage(headers: many).members.count == 64)
        #expect(TraceState(headers: many) == .empty)
    }
}
