public import ConsoleAPI

/// How far both lanes have come since a first look, for a terminal or a log. Lanes that are disabled are left out.
public struct SyncProgress: Hashable, Sendable {
    /// One lane at one moment.
    public struct Lane: Hashable, Sendable {
        /// `orders` or `spans`.
        public let name: String
        public let state: LaneState
        public let pending: Int
        public let lastError: String?
        /// All that wait no more, by what became of them.
        let parts: [Part]

        struct Part: Hashable {
            let word: String
            let count: Int
        }

        var settled: Int { parts.reduce(0) { $0 + $1.count } }
    }

    public let lanes: [Lane]

    public init(_ status: StatusMessage) {
        lanes = [Lane(status.orders), Lane(status.spans)].filter { $0.state != .disabled }
    }

    /// What is left of that which waited at the start.
    public func rest(of lane: Lane, since start: SyncProgress) -> Int {
        let before = start.lane(like: lane)
        return max(0, before.pending - (lane.settled - before.settled))
    }

    fileprivate func lane(like lane: Lane) -> Lane { lanes.first { $0.name == lane.name } ?? lane }
}

extension SyncProgress.Lane {
    fileprivate init(_ lane: SpansLane) {
        name = "spans"
        (state, pending, lastError) = (lane.state, lane.pending, lane.last_error)
        parts = [
            Part(word: "sent", count: lane.sent), Part(word: "rejected", count: lane.rejected),
            Part(word: "expired", count: lane.expired), Part(word: "quarantined", count: lane.quarantined),
            Part(word: "evicted", count: lane.evicted),
        ]
    }

    fileprivate init(_ lane: OrdersLane) {
        name = "orders"
        (state, pending, lastError) = (lane.state, lane.pending, lane.last_error)
        parts = [
            Part(word: "accepted", count: lane.accepted), Part(word: "backordered", count: lane.backordered),
            Part(word: "rejected", count: lane.rejected), Part(word: "quarantined", count: lane.quarantined),
        ]
    }

    /// What became of things since an earlier look: `200 accepted, 3 backordered`. The first word is always there.
    fileprivate func account(since start: SyncProgress.Lane) -> String {
        zip(parts, start.parts).enumerated().compactMap { index, pair in
            let count = pair.0.count - pair.1.count
            return index == 0 || count != 0 ? "\(Units.count(count)) \(pair.0.word)" : nil
        }.joined(separator: ", ")
    }
}

/// Makes lines of progress: how much is done, how fast, and how long the rest will take.
public struct ProgressMeter: Sendable {
    private static let cells = 30
    private let start: SyncProgress
    private let style: TerminalStyle

    public init(_ start: SyncProgress, style: TerminalStyle) {
        self.start = start
        self.style = style
    }

    /// A bar a lane, for a terminal.
    ///
    /// - Parameter elapsed: Since the start.
    public func bars(_ now: SyncProgress, after elapsed: Duration) -> [String] {
        now.lanes.map { lane in
            let (done, all) = counts(lane)
            let cells = all == 0 ? Self.cells : Self.cells * done / all
            let full = String(repeating: style.sign("█", "#"), count: cells)
            let bar = full + String(repeating: style.sign("░", "."), count: Self.cells - cells)
            let share = all == 0 ? 100 : 100 * done / all
            let amount = "\(Units.count(done)) of \(Units.count(all))"
            let line = "\(Self.padded(lane.name)) \(bar) \(share) %  \(amount), \(work(lane, done, elapsed))"
            // A line that wraps could not be drawn over.
            return String(line.prefix(style.width))
        }
    }

    /// A line a lane, for a log.
    ///
    /// - Parameter elapsed: Since the start.
    public func lines(_ now: SyncProgress, after elapsed: Duration) -> [String] {
        now.lanes.map { lane in
            let account = lane.account(since: start.lane(like: lane))
            let work = work(lane, counts(lane).done, elapsed)
            return "\(Self.padded(lane.name)) \(Units.count(lane.pending)) pending, \(account), \(work)"
        }
    }

    /// The last line: what went, what did not, and why.
    ///
    /// - Parameter elapsed: Since the start.
    public func account(_ end: SyncProgress, after elapsed: Duration) -> String {
        let parts = end.lanes.map { lane in
            let rest = lane.pending > 0 ? ", \(Units.count(lane.pending)) still pending" : ""
            return "\(lane.name) \(lane.account(since: start.lane(like: lane)))\(rest)"
        }
        let reasons = end.lanes.compactMap { lane in lane.lastError.map { "\(lane.name): \($0)" } }
        let nanoseconds = UInt64(max(0, elapsed / .nanoseconds(1)))
        let line = "\(parts.joined(separator: "; ")), in \(Units.duration(nanoseconds, style))."
        return ([line] + reasons).joined(separator: " ")
    }

    private func counts(_ lane: SyncProgress.Lane) -> (done: Int, all: Int) {
        let done = max(0, lane.settled - start.lane(like: lane).settled)
        return (done, done + lane.pending)
    }

    /// Rate and time left, or what stands in the way.
    private func work(_ lane: SyncProgress.Lane, _ done: Int, _ elapsed: Duration) -> String {
        guard lane.state == .draining || lane.state == .idle else {
            return lane.state.rawValue + (lane.lastError.map { ": \($0)" } ?? "")
        }
        if lane.pending == 0 { return "done" }
        let rate = Double(done) / max(0.001, elapsed / .seconds(1))
        guard rate > 0 else { return "starting" }
        return "\(Units.count(Int(rate)))/s, \(Units.age((Double(lane.pending) / rate).rounded(.up))) left"
    }

    private static func padded(_ name: String) -> String {
        name + String(repeating: " ", count: max(0, 6 - name.count))
    }
}
