import HTTPTypes
import Testing
import Tracing

@testable import ServiceTracing

/// What the W3C suite does not show: flags, lengths, contexts built by hand.
@Suite struct TraceContextTests {
    @Test(arguments: [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("fc", "00"), ("09", "01")])
    func `sampled and random are carried, every other bit is sent as 0`(sent: String, expected: String) {
        #expect(Hop([traceparent(sent)]).flags == expected)
    }

    @Test func `a new trace says that its id is random`() {
        #expect(Hop([]).flags == "03")
        #expect(Hop([], sampler: .alwaysOff).flags == "02")
    }

    @Test func `the sampler's decision is sent on and random is the parent's to give`() {
        #expect(Hop([traceparent("03")], sampler: .alwaysOff).flags == "02")
        #expect(Hop([traceparent("00")], sampler: .alwaysOn).flags == "01")
    }

    @Test func `only the defined bits are flags`() {
        #expect(TraceFlags(rawValue: 0xff) == [.sampled, .random])
        #expect(TraceFlags(rawValue: 0xfc).isEmpty)
    }

    @Test func `512 characters of tracestate are carried whole`() {
        let members = (0..<4).map { "vendor\($0)=" + String(repeating: "x", count: 119) }
        let state = members.joined(separator: ",") + ",z=123"
        #expect(state.utf8.count >= 512)
        #expect(Hop([traceparent(), ("tracestate", state)]).tracestate == state)
    }

    @Test func `whole members are dropped, those over 128 characters first and then from the right`() {
        let long = "long=" + String(repeating: "x", count: 124)
        let full = "full=" + String(repeating: "x", count: 123)
        let state = TraceState(headers: [full, "a=1", long, "b=2"])
        #expect(state.header() == "\(full),a=1,\(long),b=2")
        #expect(state.header(limit: state.header().map(\.utf8.count) ?? 0) == state.header())
        #expect(state.header(limit: 200) == "\(full),a=1,b=2")
        #expect(state.header(limit: full.utf8.count + 4) == "\(full),a=1")
        #expect(state.header(limit: full.utf8.count + 3) == full)
        #expect(state.header(limit: 3) == nil)
        #expect(state.header(limit: -1) == nil)
    }

    @Test func `what is sent on of a tracestate is bounded`() {
        let members = (0..<32).map { "k\($0)=" + String(repeating: "x", count: 256) }
        let state = TraceState(headers: members)
        #expect(state.members.count == 32)
        #expect((state.header()?.utf8.count ?? 0) <= TraceState.maximumCharacters)
    }

    @Test func `a vendor finds its value`() {
        let state = TraceState(headers: ["rojo=1,rojo2= two"])
        #expect(state["rojo"] == "1")
        #expect(state["rojo2"] == " two")
        #expect(state["ro"] == nil)
        #expect(state[""] == nil)
    }

    @Test func `a context built by hand formats as its traceparent and reads back remote`() throws {
        let trace = try #require(TraceID(parentTrace))
        let span = try #require(SpanID(parentSpan))
        let context = SpanContext(traceID: trace, spanID: span)
        #expect(context.traceParent == "00-\(parentTrace)-\(parentSpan)-03")
        #expect(!context.isRemote && context.isSampled)
        let read = try #require(SpanContext(traceParent: context.traceParent))
        #expect(read.isRemote)
        #expect((read.traceID, read.spanID, read.flags) == (trace, span, context.flags))
        #expect(InstrumentationContext(read).spanContext == read)
        #expect(InstrumentationContext(read).baggage == Baggage())
    }

    @Test func `propagating replaces what stands in the headers`() throws {
        var headers = fields([traceparent(), ("tracestate", "old=1"), ("baggage", "secret=1"), ("accept", "*/*")])
        let span = try #require(SpanContext(traceParent: "00-\(parentTrace)-00000000000000aa-01"))
        propagateTraceContext(InstrumentationContext(span), into: &headers)
        #expect(headers[values: .traceparent] == [span.traceParent])
        #expect(headers[.tracestate] == nil)
        #expect(headers[.baggage] == nil)
        #expect(headers[.accept] == "*/*")
        #expect(headers.contains { $0.name.rawName == "traceparent" }, "the specification asks for lowercase")
    }

    @Test func `without a context the headers stay as they are`() {
        var headers = fields([traceparent(), ("baggage", "a=1")])
        let before = headers
        propagateTraceContext(nil, into: &headers)
        #expect(headers == before)
    }

    @Test func `baggage stands by itself, without a trace`() {
        let context = extractTraceContext(
            from: fields([("baggage", "session.id=7"), ("baggage", "synthetic_request=true")])
        )
        #expect(context.spanContext == nil)
        #expect(context.baggage["session.id"] == "7")
        #expect(context.baggage["synthetic_request"] == "true")
        #expect(Hop([("baggage", "a=1"), ("baggage", "b=2")]).baggage == "a=1,b=2")
    }
}

@Suite struct IDTests {
    @Test func `ids are lowercase hex of a fixed length and read back`() throws {
        let trace = try #require(TraceID(high: 0xab, low: 0))
        #expect(trace.description == "00000000000000ab0000000000000000")
        #expect(TraceID(trace.description) == trace)
        #expect(TraceID(bytes: trace.bytes) == trace)
        let span = try #require(SpanID(1))
        #expect(span.description == "0000000000000001")
        #expect(SpanID(span.description) == span)
        #expect(SpanID(bytes: span.bytes) == span)
        #expect(trace.bytes.count == 16 && span.bytes.count == 8)
    }

    @Test func `all-zero ids do not exist`() {
        #expect(TraceID(high: 0, low: 0) == nil)
        #expect(SpanID(0) == nil)
        #expect(TraceID(String(repeating: "0", count: 32)) == nil)
        #expect(SpanID(String(repeating: "0", count: 16)) == nil)
        #expect(TraceID(bytes: [UInt8](repeating: 0, count: 16)) == nil)
    }

    @Test(arguments: ["", "1", "1234567890123456 ", "123456789012345G", "ABCDEFABCDEFABCD", "１２３４５６７８９０１２３４５６"])
    func `nothing else is an id`(text: String) {
        #expect(SpanID(text) == nil)
        #expect(TraceID(text + text) == nil)
        #expect(SpanID(bytes: Array(text.utf8.prefix(7))) == nil)
        #expect(TraceID(bytes: Array(text.utf8.prefix(15))) == nil)
    }

    @Test func `a seed's ids are the same every time and never repeat`() {
        let (one, two) = (IDGenerator(seed: 7), IDGenerator(seed: 7))
        let ids = (0..<10_000).map { _ in one.traceID() }
        #expect(ids == (0..<10_000).map { _ in two.traceID() })
        #expect(Set(ids).count == 10_000)
        #expect(Set((0..<10_000).map { _ in one.spanID() }).count == 10_000)
        #expect(IDGenerator().traceID() != IDGenerator().traceID())
    }

    @Test func `the generator is xoshiro256** filled by splitmix64`() {
        // The first output is rotl(s1 * 5, 7) * 9, where s1 is splitmix64's second output: for seed 0 published as
        // 0x6e789e6aa1b965f4.
        let second: UInt64 = 0x6e78_9e6a_a1b9_65f4
        let product = second &* 5
        var generator = Xoshiro256(seed: 0)
        #expect(generator.next() == (product << 7 | product >> 57) &* 9)
    }
}
