import ConsoleAPI
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
public import ServiceKit
public import ServiceLifecycle
import ServiceTracing
import ShopAPI
import Synchronization
public import TelemetryBuffer

/// Something that pages watch: looked at once a second while anybody does, and told when it has changed.
public struct LiveTopic: Sendable {
    /// The event's name.
    public let name: String
    let body: @Sendable () async throws -> [UInt8]

    /// - Parameter message: What is there now. While it throws, nothing is told.
    public init<Message: Encodable & Sendable>(
        _ name: String,
        _ message: @escaping @Sendable () async throws -> Message
    ) {
        self.name = name
        body = { try JSON.bytes(try await message()) }
    }
}

/// `GET /api/live`: server-sent events (HTML Living Standard, *Server-sent events*), the same to all who listen.
///
/// A listener gets every topic at once, then what changes, and each trace when it is whole. While nobody listens nothing
/// is looked at. A listener that does not read loses the oldest of what waits for it, which newer events make good.
public final class LiveFeed: Service {
    /// What is bounded, and by how much.
    public struct Limits: Hashable, Sendable {
        public var listeners = 32
        /// Events that wait for a listener.
        public var backlog = 128
        /// Looks after which what has not changed is told again.
        public var repetition = 5
        /// Traces told in one look.
        public var traces = 10

        public init() {}
    }

    private struct State {
        var listeners: [Int: AsyncStream<ByteBuffer>.Continuation] = [:]
        var next = 0
        var isClosed = false
    }

    private let topics: [LiveTopic]
    private let traces: TraceReader
    private let limits: Limits
    private let interval: Duration
    private let state = Mutex(State())

    /// - Parameter interval: Between two looks for traces; topics are looked at every second time.
    public init(
        topics: [LiveTopic],
        traces: TraceReader,
        limits: Limits = Limits(),
        interval: Duration = .milliseconds(500)
    ) {
        self.topics = topics
        self.traces = traces
        self.limits = limits
        self.interval = interval
    }

    /// Adds `GET /api/live`.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/api/live") { _, _ in try self.response() }
    }

    /// Tells those who listen until the service stops; then their streams end, so that the server can.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.tell() }
        let listeners = state.withLock { state in
            state.isClosed = true
            return state.listeners.values
        }
        for listener in listeners { listener.finish() }
    }

    /// Each topic by itself: one that takes long holds up no other.
    private func tell() async {
        await withDiscardingTaskGroup { group in
            for topic in topics { group.addTask { await self.follow(topic) } }
            group.addTask { await self.followTraces() }
        }
    }

    /// What has not changed is told again now and then: a page may have heard of a change in the answer to its own request,
    /// which was undone before the next look.
    private func follow(_ topic: LiveTopic) async {
        var (told, looks): ([UInt8]?, Int) = (nil, 0)
        while await pause(interval * 2) {
            looks += 1
            guard hasListeners else {
                told = nil
                continue
            }
            guard let body = try? await topic.body(), body != told || looks.isMultiple(of: limits.repetition) else {
                continue
            }
            send(Self.event(topic.name, body))
            told = body
        }
    }

    private func followTraces() async {
        var (watch, looks) = (TraceWatch(limit: limits.traces), 0)
        while await pause(interval) {
            looks += 1
            guard hasListeners else {
                watch = TraceWatch(limit: limits.traces)
                continue
            }
            if looks.isMultiple(of: 20) { send(ByteBuffer(string: ": still here\n\n")) }
            guard let page = try? await traces.traces(TraceFilter(limit: 250)) else { continue }
            for trace in watch.whole(in: page) {
                guard let body = try? JSON.encoder.encode(TraceListMessage.Trace(trace)) else { continue }
                send(Self.event("trace", [UInt8](body)))
            }
        }
    }

    /// - Returns: False once the service stops.
    private func pause(_ duration: Duration) async -> Bool {
        try? await Task.sleep(for: duration)
        return !Task.isCancelled
    }

    private var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    private func send(_ event: ByteBuffer) {
        for listener in state.withLock({ $0.listeners.values }) { listener.yield(event) }
    }

    /// - Throws: `ServiceError` 503 when there are too many, or the shop is closing.
    private func response() throws(ServiceError) -> Response {
        let listening = try listen()
        let body = ResponseBody { writer in
            let snapshot = await self.snapshot()
            try await writer.write(snapshot)
            for await event in listening.events { try await writer.write(event) }
            try await writer.finish(nil)
        }
        let headers: HTTPFields = [
            .contentType: "text/event-stream", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        return Response(status: .ok, headers: headers, body: body)
    }

    private func listen() throws(ServiceError) -> Listening {
        let (events, continuation) = AsyncStream<ByteBuffer>.makeStream(
            bufferingPolicy: .bufferingNewest(limits.backlog)
        )
        let number = state.withLock { state -> Int? in
            guard !state.isClosed, state.listeners.count < limits.listeners else { return nil }
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        guard let number else {
            throw ServiceError(
                .serviceUnavailable,
                "too_many_streams",
                "At most \(limits.listeners) pages can watch at once.",
                headers: [.retryAfter: "5"]
            )
        }
        return Listening(events: events) { [weak self] in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
        }
    }

    /// Every topic as it is now, after the time that a browser should wait before it comes back.
    private func snapshot() async -> ByteBuffer {
        var all = ByteBuffer(string: "retry: 1000\n\n")
        let events = await withTaskGroup(of: ByteBuffer?.self) { group in
            for topic in topics {
                group.addTask { (try? await topic.body()).map { Self.event(topic.name, $0) } }
            }
            return await group.reduce(into: [ByteBuffer]()) { if let event = $1 { $0.append(event) } }
        }
        for event in events { all.writeImmutableBuffer(event) }
        return all
    }

    private static func event(_ name: String, _ body: [UInt8]) -> ByteBuffer {
        var event = ByteBuffer(string: "event: \(name)\ndata: ")
        event.writeBytes(body)
        event.writeString("\n\n")
        return event
    }
}

/// A place among the listeners, given back when the answer it belongs to has gone, however it went.
private final class Listening: Sendable {
    let events: AsyncStream<ByteBuffer>
    private let leave: @Sendable () -> Void

    init(events: AsyncStream<ByteBuffer>, leave: @escaping @Sendable () -> Void) {
        self.events = events
        self.leave = leave
    }

    deinit { leave() }
}

/// Tells which of the newest traces have become whole: their root has ended, and no span has come since the last look.
struct TraceWatch {
    private let limit: Int
    private var counts: [TraceID: Int]?
    private var told: Set<TraceID> = []

    init(limit: Int) {
        self.limit = limit
    }

    /// - Parameter page: The newest traces. The first ones are what there was before: none of those that are whole is told.
    /// - Returns: The oldest first; where there are too many, failed and slow ones before others.
    mutating func whole(in page: [TraceSummary]) -> [TraceSummary] {
        let before = counts
        counts = Dictionary(page.map { ($0.traceID, $0.spanCount) }) { first, _ in first }
        let ready = page.filter { trace in
            let id = trace.traceID
            guard trace.isRooted, !told.contains(id) else { return false }
            return before == nil || before?[id] == trace.spanCount
        }
        told = Set(page.map(\.traceID)).intersection(told.union(ready.map(\.traceID)))
        guard before != nil else { return [] }
        let chosen = ready.sorted {
            ($0.errorCount > 0 ? 1 : 0, $0.durationMilliseconds) > ($1.errorCount > 0 ? 1 : 0, $1.durationMilliseconds)
        }
        return chosen.prefix(limit).sorted { $0.startTime < $1.startTime }
    }
}
