import GRDB

/// How the shop is doing, as those who call it from outside see it.
public struct Pulse: Hashable, Sendable {
    public internal(set) var requests = 0
    public internal(set) var errors = 0
    /// The 95th percentile of the durations, by nearest rank, in milliseconds; 0 without requests.
    public internal(set) var p95Milliseconds = 0.0
    /// What was looked at begins here: later than what was asked for where there were too many spans, in nanoseconds
    /// since 1970, UTC.
    public internal(set) var since: UInt64
}

extension TraceReader {
    /// The calls that the given services have made to others. At most the newest 40,000 spans are looked at.
    ///
    /// - Parameters:
    ///   - callers: By their `service.name`.
    ///   - since: Calls that started then or later, in nanoseconds since 1970, UTC.
    /// - Throws: `DatabaseError`.
    public func pulse(of callers: Set<String>, since: UInt64) async throws -> Pulse {
        try await inView { view in
            var pulse = Pulse(since: since)
            var (room, durations) = (40_000, [Int64]())
            for slice in view.slices(endingAfter: Int64(clamping: since)) where room > 0 {
                var (seen, earliest) = (0, Int64.max)
                try view.reader(slice)?.visitMapSpans(since: Int64(clamping: since), limit: room) { span in
                    seen += 1
                    earliest = min(earliest, span.start)
                    guard span.kind == .client, span.databaseSystem == nil, callers.contains(span.service) else {
                        return
                    }
                    durations.append(span.duration)
                    pulse.errors += span.isError ? 1 : 0
                }
                room -= seen
                if room <= 0 { pulse.since = UInt64(clamping: earliest) }
            }
            pulse.requests = durations.count
            if !durations.isEmpty {
                pulse.p95Milliseconds = Double(durations.sorted()[(durations.count * 95 + 99) / 100 - 1]) / 1e6
            }
            return pulse
        }
    }
}
