import HTTPClient
import HTTPTypes
import OTLP

/// What an answer, or none, means for the batch that was sent (TELEMETRY, promise 3): exactly one of these.
enum OTLPAnswer: Hashable, Sendable {
    /// Never to be sent again. `rejected` were refused for good; none with a message is only a warning.
    case delivered(rejected: Int, message: String)
    /// To be sent again, later; at least so much later. `offline` when there was no exchange at all.
    case retry(reason: String, after: Duration?, offline: Bool)
    /// Nothing can go on before a person has put something right.
    case blocked(reason: String)
    /// To be halved: one of them is refused, or they are too many.
    case split(reason: String, tooLarge: Bool)

    /// - Parameters:
    ///   - count: Spans in the request.
    ///   - now: Seconds since 1970.
    init(_ response: IncomingResponse, count: Int, now: Int) {
        let status = response.status.code
        switch status {
        case 200, 202, 204: self = Self.success(response, count)
        case 400, 413:
            let words = Self.words(response)
            self = .split(reason: "The upstream refuses it with HTTP \(status)\(words).", tooLarge: status == 413)
        case 401, 403:
            self = .blocked(reason: "The upstream refuses the key (HTTP \(status)): correct CX_TOKEN or the headers.")
        case 300..<400:
            self = .retry(
                reason: "The upstream answers with a redirect (HTTP \(status)), as a network that wants a login does.",
                after: Self.wait(response, now),
                offline: false
            )
        case 408, 429, 500...:
            self = .retry(
                reason:
                    "The upstream \(status == 429 ? "asks for patience" : "cannot take spans now") (HTTP \(status)).",
                after: Self.wait(response, now),
                offline: false
            )
        case 404, 405, 415:
            self = .blocked(reason: "There is no OTLP endpoint for traces at that URL (HTTP \(status)): correct it.")
        case 402..<500: self = .blocked(reason: "The upstream refuses to take spans (HTTP \(status)).")
        default: self = Self.foreign(response)
        }
    }

    init(_ error: HTTPTransportError) {
        switch error.code {
        case .invalidURL:
            self = .blocked(reason: "The upstream's URL is not an absolute http or https URL: correct it.")
        case .responseTooLarge:
            self = .retry(reason: "The upstream's answer is too long to be OTLP's.", after: nil, offline: false)
        case .badResponse:
            self = .retry(reason: "The upstream's answer was cut off or is not HTTP.", after: nil, offline: false)
        case .tooManyRequests, .shutDown, .cancelled:
            self = .retry(reason: "The sending was interrupted (\(error.code)).", after: nil, offline: false)
        case .tls:
            self = .retry(reason: "No secure connection to the upstream: \(error.message)", after: nil, offline: true)
        case .timeout: self = .retry(reason: "The upstream did not answer in time.", after: nil, offline: true)
        default: self = .retry(reason: "The upstream cannot be reached: \(error.message)", after: nil, offline: true)
        }
    }

    /// 200, 202 and 204 are delivered with OTLP's own answer or with an empty one; anything else under that status was written
    /// by somebody between here and there.
    private static func success(_ response: IncomingResponse, _ count: Int) -> OTLPAnswer {
        let type = response.headers[.contentType]?.split(separator: ";").first?
            .trimmingSpaces().lowercased()
        let coding = response.headers[.contentEncoding]?.lowercased() ?? "identity"
        guard coding == "identity" else { return foreign(response) }
        // Nothing says nothing else, but for a page that is empty.
        if response.body.isEmpty, type != "text/html" { return .delivered(rejected: 0, message: "") }
        let answer: ExportResponse?
        switch type {
        case "application/x-protobuf", "application/protobuf": answer = try? ExportResponse(protobuf: response.body)
        case "application/json": answer = try? ExportResponse(json: response.body)
        default: answer = nil
        }
        guard let answer else { return foreign(response) }
        return .delivered(rejected: min(answer.rejectedSpans, count), message: clean(answer.message))
    }

    private static func foreign(_ response: IncomingResponse) -> OTLPAnswer {
        .retry(
            reason: "What answers (HTTP \(response.status.code)) is no OTLP backend; a network's login page, perhaps.",
            after: nil,
            offline: false
        )
    }

    private static func wait(_ response: IncomingResponse, _ now: Int) -> Duration? {
        response.headers[.retryAfter].flatMap { RetryAfter.wait($0, date: response.headers[.date], now: now) }
    }

    /// What a plain text answer says, for the reason of a quarantine.
    private static func words(_ response: IncomingResponse) -> String {
        guard response.headers[.contentType]?.lowercased().hasPrefix("text/plain") == true else { return "" }
        let words = clean(String(decoding: response.body.prefix(400), as: UTF8.self))
        return words.isEmpty ? "" : ": \(words)"
    }

    /// One short line: what a backend writes goes to a status, a log and a terminal.
    private static func clean(_ text: String) -> String {
        let line = String(text.unicodeScalars.map { $0.properties.generalCategory.isPrintable ? Character($0) : " " })
        return String(line.prefix(160)).trimmingSpaces()
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isPrintable: Bool {
        switch self {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

extension StringProtocol {
    /// Without the white space around it.
    func trimmingSpaces() -> String {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
