import Gzip
import HTTPClient
import HTTPTypes
import OTLP
import Synchronization

/// The network between one edge and the ingress. It is also who sees that the lane keeps to what it was told: no request
/// before a `Retry-After` is over, none while a blocked lane waits, none when the plug is pulled.
final class SpanLine: HTTPTransport {
    private struct State {
        var dice: Dice
        var weather = Weather.clear
        /// How wrong the clock of a login page's maker is, in seconds.
        var portalError = 0
        /// So many requests more are turned away by a proxy, in the midst of a drain.
        var turnedAway = 0
        /// No request before, on the edge's monotonic clock.
        var floor: UInt64 = 0
        /// No request before, unless somebody asks for one.
        var blockedUntil: UInt64 = 0
        var isSwitchedOff = false
        /// Given up for lost, and still to arrive.
        var late: [(at: UInt64, body: [UInt8])] = []
        var requests = 0
    }

    let oracle: SpanOracle
    private let ingress: Ingress
    private let clock: EdgeClock
    private let time: WorldTime
    private let log: EventLog
    /// Where requests wait to be answered in another order; nil when there is one at a time.
    let counter: Counter?
    private let state: Mutex<State>

    init(
        _ oracle: SpanOracle,
        _ ingress: Ingress,
        _ clock: EdgeClock,
        _ time: WorldTime,
        _ log: EventLog,
        counter: Counter?,
        dice: Dice
    ) {
        (self.oracle, self.ingress, self.clock, self.time, self.log) = (oracle, ingress, clock, time, log)
        self.counter = counter
        state = Mutex(State(dice: dice))
    }

    var requests: Int { state.withLock { $0.requests } }

    func set(_ weather: Weather) {
        state.withLock { state in
            state.weather = weather
            if weather == .clear { state.turnedAway = 0 }
            state.portalError = state.dice.chance(30) ? state.dice.pick([-864_000, -90_000, 90_000, 864_000]) : 0
        }
    }

    func setSwitchedOff(_ isSwitchedOff: Bool) {
        state.withLock {
            $0.isSwitchedOff = isSwitchedOff
            if !isSwitchedOff { $0.blockedUntil = 0 }
        }
    }

    /// Somebody asks for a try.
    func tryNow() { state.withLock { $0.blockedUntil = 0 } }

    /// A new process knows nothing of what the one before was told.
    func processStarted() {
        state.withLock { ($0.floor, $0.blockedUntil, $0.isSwitchedOff) = (0, 0, false) }
        oracle.withState { $0.underWay = [] }
    }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        if log.isHopeless { throw HTTPTransportError(.connect, "The world ends.") }
        begin()
        if request.method == .head { return try askTime() }
        guard let body = try? Gzip.decompress(request.body, upTo: 1 << 20), let spans = try? RequestScanner.spans(body)
        else {
            oracle.violation("a request is not OTLP")
            return answer(400)
        }
        oracle.sent(spans)
        defer { oracle.ended(spans) }
        // One without spans is a question for the time, and goes alone.
        if let first = spans.first { await counter?.wait(first.id) }
        return try exchange(spans, body)
    }

    private func throwFate() -> Fate { state.withLock { Fate.thrown(&$0.dice) } }
    private func pick<Element: Sendable>(_ choices: [Element]) -> Element { state.withLock { $0.dice.pick(choices) } }
    private func chance(_ percent: Int) -> Bool { state.withLock { $0.dice.chance(percent) } }
    private var weather: Weather { state.withLock { $0.weather } }

    /// A request begins: is it time for one?
    private func begin() {
        let sentence = state.withLock { state -> String? in
            state.requests += 1
            if state.isSwitchedOff { return "a request was made although the plug is pulled" }
            if clock.monotonic < state.floor { return "a request was made before Retry-After was over" }
            return clock.monotonic < state.blockedUntil ? "a blocked lane made a request before its time" : nil
        }
        if let sentence { oracle.violation(sentence) }
    }

    /// What was late arrives, and time passes on the way.
    private func travel() {
        deliverLate()
        time.advance(seconds: Double(state.withLock { $0.dice.magnitude(upTo: 8_000) }) / 1_000)
    }

    private func deliverLate() {
        let due = state.withLock { state in
            let now = time.now
            defer { state.late.removeAll { $0.at <= now } }
            return state.late.filter { $0.at <= now }
        }
        for request in due {
            guard let spans = try? RequestScanner.spans(request.body) else { continue }
            _ = ingress.take(spans, bytes: request.body.count, oracle)
            log.tally("late")
        }
    }
}

// What comes back.
extension SpanLine {
    /// A question for the time, as a gateway answers it for a backend that knows of no such method.
    private func askTime() throws(HTTPTransportError) -> IncomingResponse {
        travel()
        log.note("\(oracle.name) HEAD \(weather)")
        switch weather {
        case .clear: return answer(pick([200, 204, 501]))
        case .flaky:
            switch throwFate() {
            case .arrives, .doubled: return answer(pick([200, 204, 501]))
            case .status(let status): return answer(status)
            case .turnedAway: return turnAway()
            case .requestLost, .answerLost, .late: throw lost()
            case .requestCut, .answerCut, .answerGarbled: throw HTTPTransportError(.badResponse, "Cut.")
            }
        default:
            defer { state.withLock { $0.blockedUntil = 0 } }
            return try foul()
        }
    }

    private func exchange(
        _ spans: [ReceivedSpan],
        _ body: [UInt8]
    ) throws(HTTPTransportError) -> IncomingResponse {
        travel()
        let sum = spans.reduce(0) { ($0 &* 31) ^ $1.id }
        if isTurnedAway() { return turnAway() }
        guard [.clear, .flaky].contains(weather) else {
            log.note("\(oracle.name) POST \(spans.count) \(sum) \(weather)")
            log.tally("\(weather)")
            return try foul()
        }
        let fate = weather == .clear ? .arrives : throwFate()
        log.note("\(oracle.name) POST \(spans.count) \(sum) \(fate)")
        log.tally("\(fate)".split(separator: "(").first.map(String.init) ?? "")
        return try meet(fate, spans, body)
    }

    private func meet(
        _ fate: Fate,
        _ spans: [ReceivedSpan],
        _ body: [UInt8]
    ) throws(HTTPTransportError) -> IncomingResponse {
        switch fate {
        case .status(let status): return answer(status, retryAfter: chance(30))
        case .turnedAway(let count):
            state.withLock { $0.turnedAway = count - 1 }
            return turnAway()
        case .requestLost: throw lost()
        case .requestCut: throw HTTPTransportError(.badResponse, "Cut.")
        case .late(let seconds):
            state.withLock { $0.late.append((time.now + UInt64(seconds) * 1_000_000_000, body)) }
            throw lost()
        case .doubled: _ = ingress.take(spans, bytes: body.count, oracle)
        case .arrives, .answerLost, .answerCut, .answerGarbled: break
        }
        let verdict = ingress.take(spans, bytes: body.count, oracle)
        switch fate {
        case .answerLost: throw lost()
        case .answerCut: throw HTTPTransportError(.badResponse, "Cut.")
        case .answerGarbled: return answer(200, type: "application/x-protobuf", [0xff, 0xff, 0xff])
        default: return say(verdict, spans)
        }
    }

    /// The ingress's own answer, which is received.
    private func say(_ verdict: Ingress.Verdict, _ spans: [ReceivedSpan]) -> IncomingResponse {
        switch verdict {
        case .refused(let status):
            log.note("\(oracle.name) refused \(status)")
            return answer(status, type: "text/plain", Array("It cannot be read.".utf8))
        case .taken(let rejected):
            oracle.acknowledge(spans, rejected: rejected)
            log.note("\(oracle.name) taken, rejected \(rejected.count)")
            if !rejected.isEmpty { log.tally("partial_success") }
            let words = rejected.isEmpty ? (chance(10) ? "Slow down a little." : "") : "Not these."
            let isJSON = chance(30)
            if words.isEmpty, chance(50) { return answer(pick([200, 202, 204])) }
            return answer(
                200,
                type: isJSON ? "application/json" : "application/x-protobuf",
                isJSON
                    ? ExportResponse.json(rejected: rejected.count, words)
                    : ExportResponse.protobuf(rejected: rejected.count, words)
            )
        }
    }

    /// What is not the backend's.
    private func foul() throws(HTTPTransportError) -> IncomingResponse {
        switch weather {
        case .down:
            throw HTTPTransportError(pick([.resolve, .connect, .connect, .tls, .other]), "No way.")
        case .portal:
            let pages: [(String, String)] = [
                ("text/html", "<html>Log in</html>"), ("text/html; charset=utf-8", ""), ("text/plain", "OK"),
                ("application/json", #"{"login":"https://portal.example"}"#), ("application/x-protobuf", "<html>"),
            ]
            let (type, text) = pick(pages)
            return answer(200, type: type, Array(text.utf8), ofPortal: true)
        case .redirect: return answer(pick([301, 302, 303, 307, 308]), retryAfter: chance(10), ofPortal: true)
        case .storm: return answer(pick([500, 502, 503, 504, 508, 520]), retryAfter: chance(40))
        case .throttle: return answer(429, retryAfter: true)
        case .refusedKey: return answer(pick([401, 403]))
        case .misconfigured: return answer(pick([404, 405, 415, 402, 451]))
        case .turnedAway: return turnAway()
        case .clear, .flaky: return answer(500)
        }
    }

    private func turnAway() -> IncomingResponse { answer(400, type: "text/plain", Array("Bad request".utf8)) }

    private func isTurnedAway() -> Bool {
        state.withLock { state in
            guard state.turnedAway > 0 else { return false }
            state.turnedAway -= 1
            return true
        }
    }

    private func lost() -> HTTPTransportError {
        time.advance(seconds: 30)
        return HTTPTransportError(.timeout, "Nothing came.")
    }

    private func answer(
        _ status: Int,
        type: String? = nil,
        _ body: [UInt8] = [],
        retryAfter: Bool = false,
        ofPortal: Bool = false
    ) -> IncomingResponse {
        let error = ofPortal ? state.withLock { $0.portalError } : 0
        let date = Int(time.now / 1_000_000_000) + error
        var headers: HTTPFields = [:]
        if let type { headers[.contentType] = type }
        if ofPortal || ingress.hasClock && (status < 500 || retryAfter || chance(70)) {
            headers[.date] = DateText.of(seconds: date)
        }
        if retryAfter {
            let seconds = state.withLock { $0.dice.magnitude(upTo: 7_200) }
            headers[.retryAfter] =
                headers[.date] == nil || chance(50) ? "\(seconds)" : DateText.of(seconds: date + seconds)
            hold(seconds: seconds)
        }
        if [401, 402, 403, 404, 405, 415, 451].contains(status) {
            state.withLock { $0.blockedUntil = clock.monotonic + 60_000_000_000 }
        }
        return IncomingResponse(status: .init(code: status), headers: headers, body: body)
    }

    private func hold(seconds: Int) {
        log.note("\(oracle.name) Retry-After \(seconds)")
        state.withLock { $0.floor = max($0.floor, clock.monotonic + UInt64(min(seconds, 3_600)) * 1_000_000_000) }
    }
}
