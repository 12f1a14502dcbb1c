import HTTPClient
import HTTPTypes
import OTLP
import ServiceTracing
import TelemetryBuffer

@testable import Sync

extension FuzzTarget {
    private static let traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    /// What comes in headers, in the answers of an upstream, and out of the span buffer.
    static let telemetry: [FuzzTarget] = [
        FuzzTarget(
            name: "traceparent",
            seeds: [traceParent, "cc-\(traceParent.dropFirst(3))-what-the-future-will-be-like", ""],
            tokens: ["-", "00", "ff", "0", " ", "\t", traceParent]
        ) { input in
            guard let context = SpanContext(traceParent: text(input)) else { return }
            try check(SpanContext(traceParent: context.traceParent) == context, "it reads back as another")
            try check(context.traceParent.utf8.count == 55, "\(context.traceParent) is no header")
        },
        FuzzTarget(
            name: "tracestate",
            seeds: ["rojo=00f067aa0ba902b7,congo@t=t61rcWkgMzE", "a=1\na=2\n,,", "0a@v= x "],
            tokens: ["=", ",", "@", "a", "\n", " ", "\t", "_-*/"]
        ) { input in
            let state = TraceState(headers: text(input).split(separator: "\n").map(String.init))
            try check(state.members.count <= 32, "\(state.members.count) members")
            guard let header = state.header() else { return }
            let isWhole = state.members.reduce(-1) { $0 + 1 + $1.utf8.count } <= TraceState.maximumCharacters
            try check(!isWhole || TraceState(headers: [header]) == state, "it reads back as another")
            try check(header.utf8.count <= TraceState.maximumCharacters, "\(header.utf8.count) characters")
        },
        FuzzTarget(
            name: "baggage",
            seeds: ["session.id=a%20b%E2%82%AC,synthetic_request=true;p=1;q", "a=b=c\nk=", "%=%"],
            tokens: ["=", ",", ";", "%", "%20", "%FF", "\n", " ", "\"", "é"]
        ) { input in
            let baggage = Baggage(headers: text(input).split(separator: "\n").map(String.init))
            try check(baggage.members.count <= 64, "\(baggage.members.count) members")
            guard let header = baggage.header else { return }
            try check(header.utf8.count <= 8192, "\(header.utf8.count) bytes")
            try check(HTTPField.isValidValue(header), "it cannot be sent")
            let again = Baggage(headers: [header])
            try check(again.header == header, "it is written otherwise the second time")
        },
        FuzzTarget(
            name: "otlp-answer",
            seeds: [
                "200\napplication/json\n{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"no\"}}",
                "200\napplication/x-protobuf\n\u{0a}\u{04}\u{08}\u{03}\u{12}\u{00}", "429\ntext/plain\n30",
                "200\ntext/html\n<html>", "413\ntext/plain; charset=utf-8\ntoo large",
            ],
            tokens: ["{", "}", "\"rejectedSpans\":", "\"9223372036854775807\"", "200", "400", "\u{0a}", "\u{80}", "-1"]
        ) { input in
            let parts = input.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
            let status = Int(text(Array(parts[0]))).flatMap { (100...999).contains($0) ? $0 : nil } ?? 200
            var headers: HTTPFields = [:]
            if parts.count > 1 { headers[.contentType] = text(Array(parts[1])) }
            let body = parts.count > 2 ? Array(parts[2]) : []
            headers[.retryAfter] = text(body)
            let response = IncomingResponse(status: .init(code: status), headers: headers, body: body)
            switch OTLPAnswer(response, count: 5, now: 1_700_000_000) {
            case .delivered(let rejected, let message):
                try check((0...5).contains(rejected), "\(rejected) of 5 rejected")
                try check(message.count <= 160 && !message.contains("\n"), "\(message) is more than a line")
            case .retry(let reason, let after, _):
                try check(!reason.isEmpty && (after ?? .zero) >= .zero, "\(reason), after \(after ?? .zero)")
            case .blocked(let reason), .split(let reason, _): try check(!reason.isEmpty, "no reason")
            }
        },
        FuzzTarget(
            name: "retry-after",
            seeds: [
                "120", "Wed, 21 Oct 2026 07:28:00 GMT", "Wednesday, 21-Oct-26 07:28:00 GMT\nWed Oct 21 07:28:00 2026",
            ],
            tokens: ["9", ":", " ", "GMT", "Oct", "Wed, ", "\n", "-", "2147483647", "00"]
        ) { input in
            let parts = text(input).split(separator: "\n", maxSplits: 1).map(String.init)
            guard let first = parts.first else { return }
            guard let wait = RetryAfter.wait(first, date: parts.count > 1 ? parts[1] : nil, now: 1_760_000_000) else {
                return
            }
            try check((.zero...RetryAfter.longest).contains(wait), "\(wait)")
        },
        FuzzTarget(
            name: "span-rows",
            seeds: [span, "\u{0a}\u{10}0123456789abcdef\u{12}\u{08}01234567\u{2a}\u{03}GET", "{\"resourceSpans\":[]}"],
            tokens: ["\u{0a}", "\u{12}", "\u{4a}", "\u{ff}", "\u{08}", "\u{00}", "{", "\"traceId\":", "\"\"", "[", "]"]
        ) { input in
            if let decoded = try? DecodedSpan(otlp: input) {
                try check(decoded.droppedAttributes >= 0 && decoded.droppedLinks >= 0, "less than none dropped")
            }
            _ = try? EncodedResource(otlp: input)
            for request in [try? ExportRequest(protobuf: input), try? ExportRequest(json: input)] {
                guard let request else { continue }
                try check(request.count == request.groups.reduce(0) { $0 + $1.spans.count }, "a wrong sum")
                for group in request.groups {
                    guard let resource = try? EncodedResource(otlp: group.resource) else { continue }
                    for span in group.spans { _ = try? EncodedSpan(otlp: span, resource: resource) }
                }
            }
        },
    ]

    /// A request of one span, in OTLP's JSON.
    private static let span = """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"ad"}}]},"scopeSpans":\
        [{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"GET","kind":2,\
        "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000000001","attributes":[{"key":"a",\
        "value":{"arrayValue":{"values":[{"intValue":"1"}]}}}],"status":{"code":2}}]}]}]}
        """

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
