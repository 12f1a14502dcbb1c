public import ServiceTracing

/// A trace, as a list of traces shows it.
public struct TraceSummary: Hashable, Sendable {
    public let traceID: TraceID
    /// The name of the span without a parent; of the earliest one while there is none.
    public internal(set) var rootName: String
    public internal(set) var rootService: String
    /// Nanoseconds since 1970, UTC.
    public internal(set) var startTime: UInt64
    /// Nanoseconds since 1970, UTC.
    public internal(set) var endTime: UInt64
    public internal(set) var spanCount: Int
    public internal(set) var errorCount: Int
    /// In alphabetical order.
    public internal(set) var services: [String]
    /// Whether the span without a parent is there: until then it has not ended, or is on its way from elsewhere.
    public internal(set) var isRooted: Bool

    /// From the first start to the last end; 0 for spans from elsewhere that end before they start.
    public var durationMilliseconds: Double { endTime > startTime ? Double(endTime - startTime) / 1e6 : 0 }

    /// Joins what another slice has of the same trace.
    mutating func merge(_ other: TraceSummary) {
        if (other.isRooted && !isRooted) || (other.isRooted == isRooted && other.startTime < startTime) {
            (isRooted, rootName, rootService) = (other.isRooted, other.rootName, other.rootService)
        }
        startTime = min(startTime, other.startTime)
        endTime = max(endTime, other.endTime)
        spanCount += other.spanCount
        errorCount += other.errorCount
        services = Set(services).union(other.services).sorted()
    }
}
