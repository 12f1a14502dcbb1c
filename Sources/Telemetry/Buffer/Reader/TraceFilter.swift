/// Which traces are asked for.
public struct TraceFilter: Hashable, Sendable {
    /// Traces with a span of this service.
    public var service: String?
    /// Traces that lasted so many milliseconds or longer.
    public var minDuration: Double?
    /// Traces with a span that failed.
    public var errorsOnly: Bool
    /// Traces with a span of exactly this name, such as `POST /checkout`.
    public var route: String?
    /// Traces with this in the name of a span, in any case, or that their id begins with.
    public var text: String?
    /// How many at most, 1…1000. Traces that started in the same nanosecond as the last are given with it, so that
    /// paging by `before` gives each trace once.
    public var limit: Int
    /// Traces that started before this, in nanoseconds since 1970, UTC.
    public var before: UInt64?

    public init(
        service: String? = nil,
        minDuration: Double? = nil,
        errorsOnly: Bool = false,
        route: String? = nil,
        text: String? = nil,
        limit: Int = 50,
        before: UInt64? = nil
    ) {
        self.service = service
        self.minDuration = minDuration
        self.errorsOnly = errorsOnly
        self.route = route
        self.text = text
        self.limit = min(max(limit, 1), 1_000)
        self.before = before
    }

    /// Whether a trace is chosen by its spans, which not every part of it has.
    public var looksIntoSpans: Bool { route != nil || text != nil }

    /// Whether a part of a trace may lack what the whole has. A slice leaves out what its own part does not fulfil: traces
    /// with several parts are looked at besides.
    var joinsParts: Bool { minDuration != nil || errorsOnly || service != nil || looksIntoSpans }

    /// - Parameter duration: Of the part that a sealed slice has, in nanoseconds.
    func isPartLongEnough(_ duration: Int64) -> Bool { isLongEnough(UInt64(clamping: duration)) }

    func admits(_ trace: TraceSummary) -> Bool {
        (before.map { trace.startTime < $0 } ?? true)
            && (!errorsOnly || trace.errorCount > 0)
            && isLongEnough(trace.endTime - min(trace.startTime, trace.endTime))
            && (service.map { trace.services.contains($0) } ?? true)
    }

    /// - Parameter duration: In nanoseconds.
    func isLongEnough(_ duration: UInt64) -> Bool { minDuration.map { Double(duration) / 1e6 >= $0 } ?? true }
}
