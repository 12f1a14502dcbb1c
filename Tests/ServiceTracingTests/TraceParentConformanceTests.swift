import HTTPTypes
import Testing

@testable import ServiceTracing

/// The W3C trace-context suite's cases about `traceparent`, header in to header out, by the suite's names.
@Suite struct TraceParentConformanceTests {
    private static let ids = "\(parentTrace)-\(parentSpan)"

    @Test func `test_both_traceparent_and_tracestate_missing: a new trace starts`() {
        let hop = Hop([])
        #expect(hop.restarts)
        #expect(hop.tracestate == nil)
    }

    @Test func `test_traceparent_included_tracestate_missing: the trace goes on with another span`() {
        let hop = Hop([traceparent()])
        #expect(hop.continues)
        #expect(hop.tracestate == nil)
    }

    @Test func `test_traceparent_duplicated: a repeated header starts a new trace`() {
        let other = "00-12345678901234567890123456789011-\(parentSpan)-01"
        let hop = Hop([("traceparent", other), traceparent()])
        #expect(hop.restarts)
        #expect(hop.traceID != "12345678901234567890123456789011")
        #expect(Hop([traceparent(), traceparent()]).restarts, "also the same one twice")
        #expect(Hop([("traceparent", "\(traceparent().1),\(traceparent().1)")]).restarts, "also joined by a proxy")
    }

    @Test(arguments: ["trace-parent", "trace.parent"])
    func `test_traceparent_header_name: another name is not read`(name: String) {
        #expect(Hop([(name, traceparent().1)]).restarts)
    }

    @Test(arguments: ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"])
    func `test_traceparent_header_name_valid_casing: any casing is read`(name: String) {
        #expect(Hop([(name, traceparent().1)]).continues)
    }

    @Test(arguments: [".", "-what-the-future-will-be-like", "-", "0"])
    func `test_traceparent_version_0x00: nothing may follow`(tail: String) {
        #expect(Hop([("traceparent", traceparent().1 + tail)]).restarts)
    }

    @Test(arguments: ["", "-what-the-future-will-be-like", "-"])
    func `test_traceparent_version_0xcc: a later version is read up to what is known`(tail: String) {
        for version in ["cc", "01", "fe"] {
            let hop = Hop([("traceparent", "\(version)-\(Self.ids)-01\(tail)")])
            #expect(hop.continues)
            #expect(hop.traceparent.hasPrefix("00-"), "and sent on as the version we know")
        }
    }

    @Test(arguments: [".what-the-future-will-be-like", "0", ",", " x"])
    func `test_traceparent_version_0xcc: a later version's tail begins with a dash`(tail: String) {
        #expect(Hop([("traceparent", "cc-\(Self.ids)-01\(tail)")]).restarts)
    }

    @Test func `test_traceparent_version_0xff: is forbidden`() {
        #expect(Hop([("traceparent", "ff-\(Self.ids)-01")]).restarts)
        #expect(Hop([("traceparent", "ff-\(Self.ids)-01-more")]).restarts)
    }

    @Test(arguments: [".0", "0.", "0A", "CC", "  ", "é"])
    func `test_traceparent_version_illegal_characters`(version: String) {
        #expect(Hop([("traceparent", "\(version)-\(Self.ids)-01")]).restarts)
    }

    @Test(arguments: ["000", "0000"])
    func `test_traceparent_version_too_long`(version: String) {
        #expect(Hop([("traceparent", "\(version)-\(Self.ids)-01")]).restarts)
    }

    @Test(arguments: ["0", ""])
    func `test_traceparent_version_too_short`(version: String) {
        #expect(Hop([("traceparent", "\(version)-\(Self.ids)-01")]).restarts)
    }

    @Test func `test_traceparent_trace_id_all_zero`() {
        let zero = String(repeating: "0", count: 32)
        let hop = Hop([("traceparent", "00-\(zero)-\(parentSpan)-01")])
        #expect(hop.restarts)
        #expect(hop.traceID != zero)
    }

    @Test(arguments: [
        ".2345678901234567890123456789012", "1234567890123456789012345678901.", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB",
    ])
    func `test_traceparent_trace_id_illegal_characters`(id: String) {
        #expect(Hop([("traceparent", "00-\(id)-\(parentSpan)-01")]).restarts)
    }

    @Test func `test_traceparent_trace_id_too_long`() {
        let hop = Hop([("traceparent", "00-\(parentTrace)3-\(parentSpan)-01")])
        #expect(hop.restarts)
        #expect(hop.traceID != "23456789012345678901234567890123")
    }

    @Test func `test_traceparent_trace_id_too_short`() {
        #expect(Hop([("traceparent", "00-\(parentTrace.dropLast())-\(parentSpan)-01")]).restarts)
        #expect(Hop([("traceparent", "00-\(parentTrace.dropLast())-\(parentSpan)0-01")]).restarts)
    }

    @Test func `test_traceparent_parent_id_all_zero`() {
        #expect(Hop([("traceparent", "00-\(parentTrace)-0000000000000000-01")]).restarts)
    }

    @Test(arguments: [".234567890123456", "123456789012345.", "ABCDEFABCDEFABCD"])
    func `test_traceparent_parent_id_illegal_characters`(id: String) {
        #expect(Hop([("traceparent", "00-\(parentTrace)-\(id)-01")]).restarts)
    }

    @Test func `test_traceparent_parent_id_too_long`() {
        #expect(Hop([("traceparent", "00-\(parentTrace)-\(parentSpan)7-01")]).restarts)
    }

    @Test func `test_traceparent_parent_id_too_short`() {
        #expect(Hop([("traceparent", "00-\(parentTrace)-\(parentSpan.dropLast())-01")]).restarts)
    }

    @Test(arguments: [".0", "0.", "0A"])
    func `test_traceparent_trace_flags_illegal_characters`(flags: String) {
        #expect(Hop([traceparent(flags)]).restarts)
    }

    @Test func `test_traceparent_trace_flags_too_long`() {
        #expect(Hop([traceparent("001")]).restarts)
    }

    @Test func `test_traceparent_trace_flags_too_short`() {
        #expect(Hop([traceparent("1")]).restarts)
        #expect(Hop([traceparent("")]).restarts)
    }

    @Test(arguments: [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")])
    func `test_traceparent_ows_handling: white space around it is no part of it`(before: String, after: String) {
        #expect(Hop([("traceparent", before + traceparent().1 + after)]).continues)
        #expect(SpanContext(traceParent: before + traceparent().1 + after) != nil, "whatever the server trims")
    }

    @Test func `test_multiple_requests_with_valid_traceparent: one trace, a span a call`() {
        let calls = Hop([traceparent()], calls: 3).calls.compactMap { SpanContext(traceParent: $0[.traceparent] ?? "") }
        #expect(Set(calls.map(\.traceID.description)) == [parentTrace])
        #expect(Set(calls.map(\.spanID)).count == 3)
    }

    @Test func `test_multiple_requests_without_traceparent: a span a call`() {
        let calls = Hop([], calls: 3).calls.compactMap { SpanContext(traceParent: $0[.traceparent] ?? "") }
        #expect(Set(calls.map(\.spanID)).count == 3)
    }

    @Test func `test_multiple_requests_with_illegal_traceparent: a trace of its own, a span a call`() {
        let illegal = ("traceparent", "00-00000000000000000000000000000000-\(parentSpan)-01")
        let calls = Hop([illegal], calls: 3).calls.compactMap { SpanContext(traceParent: $0[.traceparent] ?? "") }
        #expect(Set(calls.map(\.traceID)).count == 1)
        #expect(Set(calls.map(\.spanID)).count == 3)
    }
}
