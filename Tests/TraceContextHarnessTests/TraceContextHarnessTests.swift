import HTTPTypes
import ServiceTracing
import TestSupport
import Testing
import Tracing

/// Each rule about trace headers, from socket to socket: what the readers' own tests cannot see is what an HTTP server
/// does to a header before them, and a client after them.
@Suite(.timeLimit(.minutes(15)))
struct TraceContextHarnessTests {
    private static let ids = "\(Hop.trace)-\(Hop.parent)"

    @Test("Without headers a trace begins, sampled and random, and no tracestate is made up")
    func begins() async throws {
        try await Hop.run { hop in
            let outcome = try await hop.send()
            #expect(outcome.answer.hasPrefix("HTTP/1.1 200"))
            #expect(outcome.restarts && outcome.flags == "03" && outcome.states.isEmpty)
        }
    }

    @Test("The trace goes on in another span, whatever the casing of the name and the white space around the value")
    func continues() async throws {
        try await Hop.run { hop in
            for line in [
                Hop.traceparent(), "TraceParent:00-\(Self.ids)-01", "TRACEPARENT: \t 00-\(Self.ids)-01 \t",
                "traceparent: cc-\(Self.ids)-01", "traceparent: cc-\(Self.ids)-01-what-the-future-will-be-like",
            ] {
                let outcome = try await hop.send(line)
                #expect(outcome.continues, "\(line)")
                #expect(outcome.calls.first?[.traceparent]?.hasPrefix("00-") == true, "\(line)")
                #expect(outcome.answer.contains("traceresponse: 00-\(Hop.trace)-"), "\(line)")
            }
        }
    }

    @Test("A traceparent that is repeated or not valid begins a new trace, and takes its tracestate with it")
    func restarts() async throws {
        try await Hop.run { hop in
            let other = "traceparent: 00-12345678901234567890123456789011-\(Hop.parent)-01"
            let broken: [[String]] = [
                [other, Hop.traceparent()], [Hop.traceparent(), Hop.traceparent()],
                ["traceparent: 00-\(Self.ids)-01,00-\(Self.ids)-01"],
                ["trace-parent: 00-\(Self.ids)-01"], ["trace.parent: 00-\(Self.ids)-01"],
                ["traceparent:"], ["traceparent: 00-\(Self.ids)-01."], ["traceparent: 00-\(Self.ids)-01-x"],
                ["traceparent: cc-\(Self.ids)-01.x"], ["traceparent: ff-\(Self.ids)-01"],
                ["traceparent: .0-\(Self.ids)-01"], ["traceparent: 000-\(Self.ids)-01"],
                ["traceparent: 0-\(Self.ids)-01"], ["traceparent: 00-\(Self.ids)-1"],
                ["traceparent: 00-\(Self.ids)-001"], ["traceparent: 00-\(Self.ids)-0."],
                ["traceparent: 00-00000000000000000000000000000000-\(Hop.parent)-01"],
                ["traceparent: 00-\(Hop.trace)-0000000000000000-01"],
                ["traceparent: 00-ABCDEF78901234567890123456789012-\(Hop.parent)-01"],
                ["traceparent: 00-\(Hop.trace)-123456789012345-01"],
                ["traceparent: 00-\(Hop.trace)-12345678901234567-01"],
            ]
            for lines in broken {
                let outcome = try await hop.send(lines + ["tracestate: foo=1"])
                #expect(outcome.restarts && outcome.flags == "03", "\(lines)")
                #expect(outcome.sent?.traceID.description != "12345678901234567890123456789011", "\(lines)")
                #expect(outcome.states.isEmpty, "\(lines)")
            }
        }
    }

    @Test(
        "Sampled and random are carried both ways, every other bit is sent as 0",
        arguments: [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("f0", "00")]
    )
    func flags(given: String, sent: String) async throws {
        try await Hop.run { hop in
            let outcome = try await hop.send(Hop.traceparent(given))
            #expect(outcome.continues && outcome.flags == sent)
            #expect(outcome.answer.contains("-\(sent)\r\n"))
        }
    }

    @Test("Several calls are one trace and a span each")
    func severalCalls() async throws {
        try await Hop.run { hop in
            for lines in [[Hop.traceparent()], [], [Hop.traceparent("0")]] {
                let outcome = try await hop.send(lines, calls: 3)
                let sent = outcome.calls.compactMap { SpanContext(traceParent: $0[.traceparent] ?? "") }
                #expect(sent.count == 3 && Set(sent.map(\.spanID)).count == 3, "\(lines)")
                #expect(Set(sent.map(\.traceID)).count == 1, "\(lines)")
                // What was sent is what was recorded.
                let recorded = outcome.spans.filter { $0.kind == .client }.map(\.context.spanID)
                #expect(recorded == sent.map(\.spanID), "\(lines)")
            }
        }
    }

    @Test("Several tracestate headers are joined in order and sent as one")
    func joined() async throws {
        try await Hop.run { hop in
            let cases: [([String], [String])] = [
                (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], ["foo=1,bar=2,rojo=1,congo=2,baz=3"]),
                (["foo=1", ""], ["foo=1"]), (["", "foo=1"], ["foo=1"]), ([""], []),
                (["foo=1 \t , \t bar=2,\tbaz=3"], ["foo=1,bar=2,baz=3"]),
                // Of two members of one key the more recent is the first.
                (["foo=1", "foo=2,bar=3"], ["foo=1,bar=3"]),
                (["0a@v=x y,t-_*/@a-z0-9_-*/= !\"~"], ["0a@v=x y,t-_*/@a-z0-9_-*/= !\"~"]),
            ]
            for (given, sent) in cases {
                let outcome = try await hop.send([Hop.traceparent("00")] + given.map { "TraceState: \($0)" })
                #expect(outcome.continues && outcome.states == sent, "\(given)")
            }
        }
    }

    @Test("A tracestate with one member that is not valid, or with more than 32, is not sent on; the trace goes on")
    func dropped() async throws {
        try await Hop.run { hop in
            let members = (1...33).map { "bar\($0)=\($0)" }
            let broken: [[String]] = [
                ["foo =1"], ["FOO=1"], ["foo.bar=1"], ["foo@=1"], ["@foo=1"], ["foo@@bar=1"], ["foo@bar@baz=1"],
                ["foo=bar=baz"], ["foo="], [String(repeating: "z", count: 257) + "=1"],
                [String(repeating: "t", count: 242) + "@v=1"], ["t@" + String(repeating: "v", count: 15) + "=1"],
                ["k=" + String(repeating: "v", count: 257)],
                [members[..<20].joined(separator: ","), members[20...].joined(separator: ",")],
            ]
            for lines in broken {
                let outcome = try await hop.send(
                    [Hop.traceparent(), "tracestate: ok=1"] + lines.map { "tracestate: \($0)" }
                )
                #expect(outcome.continues && outcome.states.isEmpty, "\(lines)")
            }
            for name in ["trace-state", "trace.state"] {
                #expect(try await hop.send(Hop.traceparent(), "\(name): foo=1").states.isEmpty)
            }
            let whole = try await hop.send(Hop.traceparent(), "tracestate: " + members[..<32].joined(separator: ","))
            #expect(whole.states == [members[..<32].joined(separator: ",")])
        }
    }

    @Test("512 characters of tracestate are carried whole; of what is too long members over 128 characters go first")
    func lengths() async throws {
        try await Hop.run { hop in
            let fitting = (0..<4).map { "k\($0)=" + String(repeating: "v", count: 124) }.joined(separator: ",")
            #expect(fitting.utf8.count >= 511)
            #expect(try await hop.send(Hop.traceparent(), "tracestate: \(fitting)").states == [fitting])
            let short = (0..<16).map { "s\($0)=1" }
            let long = (0..<16).map { "l\($0)=" + String(repeating: "v", count: 256) }
            let mixed = zip(short, long).flatMap { [$0, $1] }.joined(separator: ",")
            let kept = try await hop.send(Hop.traceparent(), "tracestate: \(mixed)").states.first ?? ""
            let members = kept.split(separator: ",").map(String.init)
            #expect(kept.utf8.count <= TraceState.maximumCharacters && kept.utf8.count >= 512)
            #expect(members.filter { $0.hasPrefix("s") } == short, "whole members go, and no short one before a long")
            #expect(members.allSatisfy { (short + long).contains($0) })
        }
    }

    @Test("Baggage travels with or without a trace: 64 members, 8192 bytes, any value, a = in it")
    func baggage() async throws {
        try await Hop.run { hop in
            let members = (0..<64).map { "k\($0)=" + String(repeating: "v", count: 120) }
            let cases: [([String], String?)] = [
                (["a=1", "b=2;p=q"], "a=1,b=2;p=q"), (["a=b=c"], "a=b=c"), (["a=%E2%82%AC%20x"], "a=%E2%82%AC%20x"),
                (["a=1,broken,b=2"], "a=1,b=2"), (["=1"], nil),
                ([members.joined(separator: ",")], members.joined(separator: ",")),
                ([(members + ["last=1"]).joined(separator: ",")], members.joined(separator: ",")),
            ]
            for (given, sent) in cases {
                for lines in [[], [Hop.traceparent()]] {
                    let outcome = try await hop.send(lines + given.map { "baggage: \($0)" })
                    #expect(outcome.baggage == sent, "\(given)")
                }
            }
            let large = "a=" + String(repeating: "v", count: 8_190)
            #expect(try await hop.send("baggage: \(large)").baggage == large)
            #expect(try await hop.send("baggage: \(large)v,b=2").baggage == "b=2", "a member is dropped whole")
        }
    }

    @Test("What marks a session and synthetic traffic is sent on, and stands on both spans of the hop")
    func session() async throws {
        try await Hop.run { hop in
            let outcome = try await hop.send(Hop.traceparent(), "baggage: session.id=s%201,synthetic_request=true")
            #expect(outcome.baggage == "session.id=s%201,synthetic_request=true")
            #expect(outcome.spans.map(\.kind) == [.client, .server])
            for span in outcome.spans {
                #expect(span.text("session.id") == "s 1" && span.text("synthetic_request") == "true")
            }
        }
    }

    @Test("What is no list of calls is refused, and a call that reaches nobody is the caller's 502")
    func refusals() async throws {
        try await Hop.run { hop in
            let dead = try FakeServer(.dead)
            let bodies: [(String, String)] = [
                ("{}", "400"), ("[{}]", "400"), ("nonsense", "400"), ("[]", "200"),
                (#"[{"url":"\#(dead.url)/x"}]"#, "502"), (#"[{"url":"no url"}]"#, "502"),
            ]
            for (body, status) in bodies {
                let answer = await hop.post(body)
                #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(body): \(answer)")
            }
        }
    }
}
