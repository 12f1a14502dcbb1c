import Commerce
public import ConsoleAPI
public import Faults
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import OTLP
public import ServiceKit
public import ServiceTracing
import ShopAPI
public import Storage
public import TelemetryBuffer

/// `console`: what waits, what went and what happened, as JSON.
public struct ConsoleController: Sendable {
    /// Where the numbers come from.
    public struct Sources: Sendable {
        let traces: TraceReader
        let search: TraceReader
        let spans: @Sendable () async throws -> BufferCounts
        let orders: @Sendable () async throws -> OutboxCounts
        let settled: @Sendable (SettledOrders) async throws -> [SettledOrder]
        let upstreamURL: @Sendable (_ traceID: TraceID, _ times: ClosedRange<UInt64>) -> String?

        /// - Parameters:
        ///   - traces: Of the same buffer as `spans`.
        ///   - spans: `SpanBuffer.counts` where the buffer is of this process: it alone knows its last error.
        ///   - orders: All zeros for a storage without an outbox.
        ///   - settled: None for a storage without an outbox.
        ///   - upstreamURL: Where the upstream shows a trace that has started, or been moved to, within `times` in
        ///     nanoseconds since 1970, UTC; nil where that is not known.
        public init(
            traces: TraceReader,
            spans: @escaping @Sendable () async throws -> BufferCounts,
            orders: @escaping @Sendable () async throws -> OutboxCounts,
            settled: @escaping @Sendable (SettledOrders) async throws -> [SettledOrder] = { _ in [] },
            upstreamURL: @escaping @Sendable (TraceID, ClosedRange<UInt64>) -> String? = { _, _ in nil }
        ) {
            self.traces = traces
            search = traces.another()
            self.spans = spans
            self.orders = orders
            self.settled = settled
            self.upstreamURL = upstreamURL
        }
    }

    private let sources: Sources
    private let sync: any SyncControl
    private let faults: (any FaultControl)?
    private let edgeID: String
    private let clock: any TraceClock

    /// - Parameter faults: Where `network-loss` is switched off when the network is switched on.
    public init(
        sources: Sources,
        sync: any SyncControl,
        faults: (any FaultControl)? = nil,
        edgeID: String,
        clock: any TraceClock = SystemTraceClock()
    ) {
        self.sources = sources
        self.sync = sync
        self.faults = faults
        self.edgeID = edgeID
        self.clock = clock
    }

    /// For `ServiceRouter`: of what the console answers only a visitor's actions are recorded, unless the caller's own
    /// context is sampled, so that watching the shop does not fill its buffer.
    public static let isProbe: @Sendable (_ route: String) -> Bool = { !$0.hasPrefix("/api/shop/") }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/api/status") { _, _ in try .json(try await status()) }
        router.postAdmin("/api/network") { request, _ in
            let wanted = try await request.decode(NetworkRequest.self)
            if wanted.online { try await faults?.clear(.networkLoss, services: nil) }
            await sync.setSwitchedOff(!wanted.online)
            return try .json(try await status())
        }
        router.postAdmin("/api/sync") { request, _ in
            try await request.readNothing()
            await sync.tryNow()
            return try .json(try await status())
        }
        router.get("/api/traces") { request, _ in try await traces(request.query) }
        router.get("/api/traces/{trace_id}") { _, context in try await trace(context.pathValue("trace_id")) }
        router.get("/api/traces/{trace_id}/export") { _, context in try await export(context.pathValue("trace_id")) }
        router.get("/api/traces/{trace_id}/delivery") { _, context in
            let id = try Self.traceID(context.pathValue("trace_id"))
            let delivery = try await reading { try await sources.traces.delivery(of: id) }
            let (start, now) = (delivery.start ?? clock.wall, clock.wall)
            return try .json(DeliveryMessage(delivery, url: sources.upstreamURL(id, min(start, now)...max(start, now))))
        }
        router.get("/api/pushes") { request, _ in try await pushes(request.query) }
        router.get("/api/service-map") { request, _ in try await serviceMap(request.query) }
        router.addObservation(
            health: {
                let status = try await status()
                return ["orders": .string(status.orders.state.rawValue), "spans": .string(status.spans.state.rawValue)]
            },
            stats: { try await books() }
        )
    }

    /// The ledger now.
    ///
    /// - Throws: `ServiceError` when the buffer cannot be read, `StorageError` when the shop's database cannot.
    public func status() async throws -> StatusMessage {
        let orders = try await sources.orders()
        let spans = try await reading { try await sources.spans() }
        return StatusMessage(edgeID: edgeID, sync: await sync.status(), orders: orders, spans: spans, now: clock.wall)
    }

    private func traces(_ query: Query) async throws -> Response {
        let filter = TraceFilter(
            service: try query.text("service"),
            minDuration: try query.number("min_duration_ms", in: 0...1e12),
            errorsOnly: try query.flag("error") ?? false,
            route: try query.text("route"),
            text: try query.text("q"),
            limit: try query.integer("limit", default: 50, in: 1...1000),
            before: try query.moment("before")
        )
        // A search through the spans may take long: the other questions do not wait for it.
        let reader = filter.looksIntoSpans ? sources.search : sources.traces
        let traces = try await reading { try await reader.traces(filter) }
        return try .json(TraceListMessage(traces))
    }

    private static func traceID(_ text: String) throws(InputError) -> TraceID {
        guard let id = TraceID(text.lowercased()) else {
            throw InputError(.malformed, "invalid_trace_id", "A trace id is 32 hex digits that are not all zero.")
        }
        return id
    }

    private func trace(_ text: String) async throws -> Response {
        let id = try Self.traceID(text)
        let spans = try await reading { try await sources.traces.trace(id) }
        guard !spans.isEmpty else { throw ServiceError.notFound("trace", id.description) }
        return try .json(TraceMessage(spans, id: id.description))
    }

    /// One trace as an OTLP `ExportTraceServiceRequest` in JSON, to be kept as a file.
    private func export(_ text: String) async throws -> Response {
        let id = try Self.traceID(text)
        let (count, document) = try await reading {
            var (json, document, count) = (OTLPJSON(), [UInt8](), 0)
            try await sources.traces.export(.traces([id])) { batch in
                let (text, unreadable) = json.appendReadable(resource: batch.resource, spans: batch.spans)
                count += batch.spans.count - unreadable
                document += text
            }
            return (count, document + json.finish())
        }
        guard count > 0 else { throw ServiceError.notFound("trace", id.description) }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/json",
                .contentDisposition: "attachment; filename=\"trace-\(id).json\"",
                .contentLength: "\(document.count)",
                .cacheControl: "no-store",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: document))
        )
    }

    private func pushes(_ query: Query) async throws -> Response {
        let limit = try query.integer("limit", default: 20, in: 1...200)
        var wanted = SettledOrders.latest(limit: limit)
        if try query.flag("refused") ?? false { wanted = .refused(limit: limit) }
        if let text = try query.text("order_id") {
            guard let id = OrderID(text) else { throw ServiceError.notFound("order", text) }
            wanted = .order(id)
        }
        let orders = try await sources.settled(wanted)
        return try .json(
            PushListMessage(orders: orders, spans: try await reading { try await sources.traces.losses() })
        )
    }

    private func serviceMap(_ query: Query) async throws -> Response {
        let minutes = try query.integer("minutes", default: 15, in: 1...1440)
        let (now, window) = (clock.wall, UInt64(minutes) * 60_000_000_000)
        let map = try await reading { try await sources.traces.serviceMap(since: now > window ? now - window : 0) }
        return try .json(ServiceMapMessage(map))
    }

    /// `/stats` has the same ledger as `/api/status`.
    private func books() async throws -> [String: JSONValue] {
        let bytes = try JSON.encoder.encode(try await status())
        return try JSON.decoder.decode([String: JSONValue].self, from: bytes)
    }

    /// The engine's own words have SQL and paths in them: they go to the span and the log only.
    private func reading<Answer: Sendable>(_ body: () async throws -> Answer) async throws -> Answer {
        do {
            return try await body()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ServiceError(
                .internalServerError,
                "buffer_unreadable",
                "The span buffer cannot be read.",
                cause: "\(error)"
            )
        }
    }
}

extension Query {
    /// A moment as RFC 3339 or as digits: nanoseconds since 1970.
    ///
    /// - Throws: `InputError` when it is neither (400) or out of range (422).
    fileprivate func moment(_ name: String) throws -> UInt64? {
        guard let text = try text(name) else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            guard let number = Int64(text) else { throw Self.outOfRange(name) }
            return UInt64(number)
        }
        do {
            return try RFC3339.nanoseconds(text)
        } catch .malformed {
            throw InputError(
                .malformed,
                "wrong_type",
                "\(name) must be a time such as 2026-11-22T19:40:00Z, or nanoseconds since 1970."
            )
        } catch .outOfRange {
            throw Self.outOfRange(name)
        }
    }

    private static func outOfRange(_ name: String) -> InputError {
        InputError(.outOfRange, "out_of_range", "\(name) must be a time from 1970 to 2262.")
    }
}
