import HTTPTypes
import Testing

@testable import ServiceTracing

/// The W3C trace-context suite's cases about `tracestate` at strict level 2, header in to header out, by the suite's
/// names.
@Suite struct TraceStateConformanceTests {
    private func hop(_ states: String...) -> Hop {
        Hop([traceparent("00")] + states.map { ("tracestate", $0) })
    }

    @Test func `test_tracestate_included_traceparent_missing: it counts only beside a traceparent`() {
        #expect(Hop([("tracestate", "foo=1")]).tracestate == nil)
        #expect(Hop([("tracestate", "foo=1,bar=2")]).tracestate == nil)
    }

    @Test func `tracestate beside an invalid traceparent is discarded`() {
        let hop = Hop([("traceparent", "00-zz"), ("tracestate", "foo=1")])
        #expect(hop.restarts)
        #expect(hop.tracestate == nil)
    }

    @Test func `test_tracestate_included_traceparent_included: it is inherited`() {
        let hop = hop("foo=1,bar=2")
        #expect(hop.continues)
        #expect(hop.members == ["foo=1", "bar=2"])
    }

    @Test(arguments: ["trace-state", "trace.state"])
    func `test_tracestate_header_name: another name is not read`(name: String) {
        #expect(Hop([traceparent("00"), (name, "foo=1")]).tracestate == nil)
    }

    @Test(arguments: ["TraceState", "TrAcEsTaTe", "TRACESTATE"])
    func `test_tracestate_header_name_valid_casing: any casing is read`(name: String) {
        #expect(Hop([traceparent("00"), (name, "foo=1")]).members == ["foo=1"])
    }

    @Test func `test_tracestate_empty_header: is accepted and not sent on`() {
        #expect(hop("").continues)
        #expect(hop("").tracestate == nil)
        #expect(hop("foo=1", "").members == ["foo=1"])
        #expect(hop("", "foo=1").members == ["foo=1"])
        #expect(hop(" ,\t,, foo=1 ,").members == ["foo=1"])
    }

    @Test func `test_tracestate_multiple_headers_different_keys: they are joined in order`() {
        let hop = hop("foo=1,bar=2", "rojo=1,congo=2", "baz=3")
        #expect(hop.continues)
        #expect(hop.members == ["foo=1", "bar=2", "rojo=1", "congo=2", "baz=3"])
        #expect(hop.calls.first?[values: .tracestate].count == 1, "and sent as one")
    }

    @Test(arguments: [["foo=1,foo=1"], ["foo=1,foo=2"], ["foo=1", "foo=1"], ["foo=1", "foo=2"]])
    func `test_tracestate_duplicated_keys: the more recent member is kept, the trace goes on`(states: [String]) {
        let hop = Hop([traceparent("00")] + states.map { ("tracestate", $0) } + [("tracestate", "bar=3")])
        #expect(hop.continues)
        #expect(hop.members == ["foo=1", "bar=3"])
    }

    @Test(arguments: [
        "abcdefghijklmnopqrstuvwxyz0123456789_-*/", "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/", "0a", "0@v",
    ])
    func `test_tracestate_all_allowed_characters`(key: String) {
        let bytes = (UInt8(0x20)...0x7e).filter { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
        let value = String(decoding: bytes, as: UTF8.self)
        #expect(hop("\(key)=\(value)").members == ["\(key)=\(value)"])
    }

    @Test(arguments: ["foo=1 \t , \t bar=2, \t baz=3", "foo=1\t \t,\t \tbar=2,\t \tbaz=3"])
    func `test_tracestate_ows_handling: white space around members is no part of them`(state: String) {
        #expect(hop(state).members == ["foo=1", "bar=2", "baz=3"])
    }

    @Test(arguments: [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"])
    func `test_tracestate_ows_handling: nor is it around the header`(state: String) {
        #expect(hop(state).continues)
        #expect(hop(state).members == ["foo=1"])
    }

    @Test func `white space leading a value is part of it`() {
        #expect(hop("foo=  1  ,bar=2").members == ["foo=  1", "bar=2"])
    }

    @Test(arguments: ["foo =1", "FOO=1", "foo.bar=1", "_foo=1", "=1", "foo", "föö=1", "foo\t=1"])
    func `test_tracestate_key_illegal_characters: the whole header is discarded`(state: String) {
        #expect(hop("\(state),bar=2").continues, "and the trace goes on")
        #expect(hop("\(state),bar=2").tracestate == nil)
        #expect(hop("bar=2", state).tracestate == nil)
    }

    @Test(arguments: ["foo@=1", "@foo=1", "foo@@bar=1", "foo@bar@baz=1", "foo@1bar=1"])
    func `test_tracestate_key_illegal_vendor_format: the whole header is discarded`(state: String) {
        #expect(hop("\(state),bar=2").tracestate == nil)
    }

    @Test func `test_tracestate_member_count_limit: 32 are carried, of 33 none`() {
        let members = (1...33).map { "bar\($0)=\($0)" }
        let carried = hop(
            members[0..<10].joined(separator: ","),
            members[10..<20].joined(separator: ","),
            members[20..<32].joined(separator: ",")
        )
        #expect(carried.members == Array(members[0..<32]))
        let refused = hop(members.joined(separator: ","))
        #expect(refused.continues)
        #expect(refused.tracestate == nil)
        #expect(hop(carried.members.joined(separator: ", ,")).members.count == 32, "empty members do not count")
        #expect(hop((0..<33).map { _ in "foo=1" }.joined(separator: ",")).tracestate == nil, "repeated ones do")
    }

    @Test func `test_tracestate_key_length_limit: 256 characters, of a tenant 241, of a system 14`() {
        func key(_ letter: String, _ count: Int) -> String { String(repeating: letter, count: count) }
        #expect(hop("foo=1", key("z", 256) + "=1").members.first == "foo=1")
        #expect(hop("foo=1", key("z", 257) + "=1").tracestate == nil)
        #expect(hop("foo=1", key("t", 241) + "@" + key("v", 14) + "=1").members.first == "foo=1")
        #expect(hop("foo=1", key("t", 242) + "@v=1").tracestate == nil)
        #expect(hop("foo=1", "t@" + key("v", 15) + "=1").tracestate == nil)
    }

    @Test(arguments: ["foo=bar=baz", "foo=,bar=3", "foo=   ,bar=3", "foo=a\tb", "foo=é", "foo=\u{7f}"])
    func `test_tracestate_value_illegal_characters: the whole header is discarded`(state: String) {
        // Straight into the reader: HTTP libraries mend some of these on the way.
        #expect(TraceState(headers: [state, "bar=2"]) == .empty)
    }

    @Test func `a value may have 256 characters and not 257`() {
        let value = String(repeating: "v", count: 256)
        #expect(hop("foo=\(value)").members == ["foo=\(value)"])
        #expect(hop("foo=\(value)v").tracestate == nil)
    }
}
