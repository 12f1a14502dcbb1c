import Testing

@testable import ServiceTracing

@Suite struct SamplerTests {
    private static let ids: [TraceID] = {
        let generator = IDGenerator(seed: 3)
        return (0..<20_000).map { _ in generator.traceID() }
    }()

    private func share(_ ratio: Double) -> Set<TraceID> {
        Set(Self.ids.filter { Sampler.traceIDRatio(ratio).samples($0, parent: nil) })
    }

    @Test(arguments: [0.01, 0.1, 0.25, 0.5, 0.9])
    func `a ratio samples that share of traces`(ratio: Double) {
        let expected = ratio * Double(Self.ids.count)
        let deviation = (expected * (1 - ratio)).squareRoot()
        #expect(abs(Double(share(ratio).count) - expected) < 5 * deviation)
    }

    @Test func `ratios of 0 and 1 are none and all, nonsense does not trap`() {
        #expect(share(0).isEmpty && share(-1).isEmpty && share(.nan).isEmpty)
        #expect(share(1).count == Self.ids.count && share(.infinity).count == Self.ids.count)
        let last = TraceID(high: 1, low: .max)
        #expect(last.map { Sampler.traceIDRatio(1).samples($0, parent: nil) } == true)
        #expect(last.map { Sampler.traceIDRatio(1.0.nextDown).samples($0, parent: nil) } == false)
    }

    @Test func `what a lower ratio samples a higher one samples too`() {
        #expect(share(0.1).isSubset(of: share(0.2)))
        #expect(share(0.2).isSubset(of: share(0.9)))
    }

    @Test func `only the last seven bytes count, so that every service chooses alike`() throws {
        for id in Self.ids.prefix(200) {
            let other = try #require(TraceID(high: ~id.high, low: id.low ^ 0xff00_0000_0000_0000))
            let sampler = Sampler.traceIDRatio(0.5)
            #expect(sampler.samples(id, parent: nil) == sampler.samples(other, parent: nil))
        }
    }

    @Test func `two services of one ratio record the same traces`() {
        let one = Bench("cart", sampler: .traceIDRatio(0.3), seed: 5)
        let two = Bench("payment", sampler: .traceIDRatio(0.3), seed: 6)
        for _ in 0..<500 {
            let root = one.tracer.startSpan("a")
            let child = two.tracer.startSpan("b", context: root.context)
            #expect(root.spanContext.isSampled == child.spanContext.isSampled)
        }
    }

    @Test func `a parent's decision counts, a root asks the inner sampler`() throws {
        let sampled = try #require(SpanContext(traceParent: traceparent("01").1))
        let not = try #require(SpanContext(traceParent: traceparent("00").1))
        for (root, expected) in [(Sampler.alwaysOn, true), (.alwaysOff, false)] {
            let sampler = Sampler.parentBased(root: root)
            #expect(sampler.samples(sampled.traceID, parent: sampled))
            #expect(!sampler.samples(not.traceID, parent: not))
            #expect(sampler.samples(not.traceID, parent: nil) == expected)
        }
        #expect(Sampler.alwaysOn.samples(not.traceID, parent: not))
        #expect(!Sampler.alwaysOff.samples(sampled.traceID, parent: sampled))
    }

    @Test(
        arguments: [
            ("always_on", nil, Sampler.alwaysOn), ("always_off", "0.5", .alwaysOff),
            ("traceidratio", "0.25", .traceIDRatio(0.25)), ("traceidratio", nil, .traceIDRatio(1)),
            ("parentbased_always_on", nil, .parentBased(root: .alwaysOn)),
            ("parentbased_always_off", nil, .parentBased(root: .alwaysOff)),
            ("parentbased_traceidratio", "1e-2", .parentBased(root: .traceIDRatio(0.01))),
        ] as [(String, String?, Sampler)]
    )
    func `samplers are named as in OTEL_TRACES_SAMPLER`(name: String, argument: String?, expected: Sampler) {
        #expect(Sampler(name: name, argument: argument) == expected)
    }

    @Test(arguments: ["", "half", "1.1", "-0.1", "nan", "inf"])
    func `an argument that is not a ratio counts as 1`(argument: String) {
        #expect(Sampler(name: "traceidratio", argument: argument) == .traceIDRatio(1))
    }

    @Test func `an unknown name is none`() {
        #expect(Sampler(name: "jaeger_remote", argument: nil) == nil)
        #expect(Sampler(name: "", argument: nil) == nil)
    }
}
