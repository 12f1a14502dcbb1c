import ServiceTracing
import Tracing

/// Spans of every shape, the same for the same seed.
struct RandomSpans {
    private var generator: SplitMix

    init(seed: UInt64) { generator = SplitMix(state: seed) }

    mutating func next(resource: Resource) -> SpanData {
        let start = generator.next() >> 1
        return SpanData(
            name: text(),
            kind: [.internal, .server, .client, .producer, .consumer][below(5)],
            context: context(),
            parentSpanID: below(3) == 0 ? nil : SpanID(generator.next() | 1),
            parentIsRemote: below(2) == 0,
            startTime: start,
            endTime: start + generator.next() >> 32,
            attributes: attributes(upTo: 140),
            events: (0..<below(4)).map { _ in event() },
            droppedEvents: below(3),
            links: (0..<below(3)).map { _ in Link(context: context(), attributes: attributes(upTo: 4)) },
            droppedLinks: below(3),
            outcome: [.unset, .ok, .error(text())][below(3)],
            resource: resource
        )
    }

    private mutating func event() -> Event {
        Event(name: text(), time: generator.next(), attributes: attributes(upTo: 5))
    }

    private mutating func context() -> SpanContext {
        guard let traceID = TraceID(high: generator.next(), low: generator.next() | 1),
            let spanID = SpanID(generator.next() | 1)
        else { preconditionFailure("ids with a bit set are valid") }
        return SpanContext(
            traceID: traceID,
            spanID: spanID,
            flags: TraceFlags(rawValue: UInt8(below(4))),
            traceState: below(2) == 0 ? .empty : TraceState(headers: ["a=1,b=\(below(1_000))"]),
            isRemote: below(2) == 0
        )
    }

    private mutating func attributes(upTo count: Int) -> Attributes {
        var attributes = Attributes()
        for index in 0..<below(count) { attributes["key.\(index)"] = value() }
        return attributes
    }

    private mutating func value() -> AttributeValue {
        switch below(8) {
        case 0: .int(Int64(bitPattern: generator.next()))
        case 1: .double(Double(bitPattern: generator.next() & ~(0x7ff << 52)))
        case 2: .bool(below(2) == 0)
        case 3: .strings((0...below(3)).map { _ in text() })
        case 4: .ints((0...below(3)).map { _ in Int64(bitPattern: generator.next()) })
        case 5: .doubles((0...below(3)).map { _ in Double(below(1_000)) / 8 })
        case 6: .bools((0...below(3)).map { _ in below(2) == 0 })
        default: .string(text())
        }
    }

    private mutating func text() -> String {
        let alphabet: [Character] = ["a", "Z", "0", " ", "\"", "\\", "\n", "\u{0}", "é", "漢", "🛒"]
        return String((0..<below(below(8) == 0 ? 300 : 12)).map { _ in alphabet[below(alphabet.count)] })
    }

    private mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(bound, 1))) }
}

/// splitmix64 (Steele, Lea and Flood, 2014).
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
