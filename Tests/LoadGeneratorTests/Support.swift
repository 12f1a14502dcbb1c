import FoundationEssentials
import HTTPClient
import HTTPTypes
import ServiceTracing
import ShopAPI
import Synchronization

@testable import LoadGeneratorService

/// Keeps what a tracer hands over.
final class Recorder: SpanProcessor {
    private let kept = Mutex<[SpanData]>([])

    func onEnd(_ span: SpanData) { kept.withLock { $0.append(span) } }

    /// In the order they ended.
    var spans: [SpanData] { kept.withLock { $0 } }
    var journeys: [SpanData] { spans.filter { $0.name.hasPrefix("journey ") } }
}

/// A shop that a test makes up.
final class FakeShop: HTTPTransport {
    typealias Answer = @Sendable (OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse

    private let kept = Mutex<[OutgoingRequest]>([])
    private let answer: Answer

    init(_ answer: @escaping Answer = { _ in .ok }) { self.answer = answer }

    /// In the order they came.
    var requests: [OutgoingRequest] { kept.withLock { $0 } }

    func send(_ request: OutgoingRequest) async throws(HTTPTransportError) -> IncomingResponse {
        kept.withLock { $0.append(request) }
        return try await answer(request)
    }
}

extension IncomingResponse {
    static let ok = IncomingResponse(status: .ok, body: Array("{}".utf8))

    static func json(_ status: HTTPResponse.Status, _ text: String) -> IncomingResponse {
        IncomingResponse(status: status, body: Array(text.utf8))
    }
}

/// Holds whoever comes until it is opened, or they are cancelled.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var cancelled: Set<Int> = []
        var last = 0
        var turnedAway = 0
    }

    private let state = Mutex(State())

    var waiting: Int { state.withLock { $0.waiting.count } }
    /// How many were cancelled while they waited.
    var turnedAway: Int { state.withLock { $0.turnedAway } }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    func pass() async throws(HTTPTransportError) {
        do {
            try await wait()
        } catch {
            throw HTTPTransportError(.cancelled, "cancelled at the gate")
        }
    }

    private func wait() async throws {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if state.isOpen { return .success(()) }
                    state.waiting[id] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.turnedAway += 1
                let continuation = state.waiting.removeValue(forKey: id)
                if continuation == nil { state.cancelled.insert(id) }
                return continuation
            }
            continuation?.resume(throwing: CancellationError())
        }
    }
}

/// A load generator before a made-up shop, on a clock that a test turns.
struct Bench: Sendable {
    let clock = TestClock()
    let recorder = Recorder()
    let shop: FakeShop
    let tracer: ServiceTracer
    let generator: LoadGenerator

    init(
        _ shop: FakeShop = FakeShop(),
        seed: UInt64 = 7,
        limits: LoadGenerator.Limits = .init()
    ) throws {
        self.shop = shop
        tracer = ServiceTracer(
            resource: Resource(attributes: ["service.name": "load-generator"]),
            processor: recorder,
            ids: IDGenerator(seed: 1)
        )
        generator = LoadGenerator(
            book: try .fixture(),
            caller: ServiceCaller(transport: shop, tracer: tracer, urls: ServiceURLs()),
            tracer: tracer,
            seed: seed,
            limits: limits,
            clock: clock
        )
    }

    var stats: LoadGeneratorStats { generator.stats }

    /// Runs the generator beside a test and cancels it then.
    func running(_ test: () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await generator.run() }
            try await test()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Turns the clock, once as many tasks wait for it as the test knows there to be.
    func advance(by duration: Duration, sleepers: Int = 1) async {
        await until { clock.sleepers == sleepers }
        clock.advance(by: duration)
    }
}

extension ArrivalSchedule {
    static func run(_ requestsPerMinute: Int, seconds: Int) -> ArrivalSchedule {
        constant(requestsPerMinute: requestsPerMinute, seconds: seconds)
    }
}
