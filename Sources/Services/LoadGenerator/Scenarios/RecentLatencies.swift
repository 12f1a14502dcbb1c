/// How long requests took in the last moments. Bounded: when more come than it holds, the oldest are forgotten.
struct RecentLatencies: Sendable {
    /// How far it looks back.
    static let window = Duration.seconds(15)
    private static let capacity = 2048

    private var kept: [(at: Duration, took: Duration)] = []
    private var next = 0

    /// - Parameter now: On a clock that never goes back.
    mutating func add(_ took: Duration, at now: Duration) {
        if kept.count < Self.capacity {
            kept.append((now, took))
        } else {
            kept[next] = (now, took)
            next = (next + 1) % Self.capacity
        }
    }

    /// What 95 % of them were faster than, in milliseconds; nil when there were none.
    func p95(at now: Duration) -> Double? {
        let recent = kept.filter { now - $0.at <= Self.window }.map(\.took).sorted()
        guard !recent.isEmpty else { return nil }
        let rank = Int((Double(recent.count) * 0.95).rounded(.up)) - 1
        return (recent[max(0, rank)].inSeconds * 1e6).rounded() / 1e3
    }
}
