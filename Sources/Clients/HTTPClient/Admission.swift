/// Which request goes next: first come, first served, but never behind a host that has no connection to spare. A value
/// without I/O.
///
/// libcurl 7.88 has a limit of connections to a host and a queue of its own, and they are not used: when a connection
/// becomes free it looks only at the request that has waited longest (`process_pending_handles` in lib/multi.c), and
/// if that one's host is stalled, requests to other hosts wait behind it until they time out.
struct Admission {
    private struct Lane {
        var running = 0
        var queue: [Submission] = []
    }

    private let total: Int
    private let perHost: Int
    private var running = 0
    private var lanes: [String: Lane] = [:]

    /// A time before which no waiting request is late; nil if none waits. A request that has left is not taken out
    /// of it, which costs one look too many.
    private(set) var nextDeadline: ContinuousClock.Instant?

    /// - Parameters:
    ///   - total: The most requests running at a time.
    ///   - perHost: The most of them to one scheme, host and port.
    init(total: Int, perHost: Int) {
        self.total = total
        self.perHost = perHost
    }

    /// Lets a request wait its turn.
    mutating func enqueue(_ submission: Submission) {
        lanes[submission.target.origin, default: Lane()].queue.append(submission)
        nextDeadline = min(nextDeadline ?? submission.deadline, submission.deadline)
    }

    /// The request that may start now, which from then on is running; nil if none may.
    mutating func next() -> Submission? {
        guard running < total else { return nil }
        var first: Submission?
        for lane in lanes.values where lane.running < perHost {
            guard let candidate = lane.queue.first else { continue }
            if first.map({ candidate.arrival < $0.arrival }) ?? true { first = candidate }
        }
        guard let first else { return nil }
        lanes[first.target.origin]?.queue.removeFirst()
        lanes[first.target.origin]?.running += 1
        running += 1
        return first
    }

    /// A running request is done.
    mutating func noteFinished(_ submission: Submission) {
        running -= 1
        lanes[submission.target.origin]?.running -= 1
        dropLaneIfIdle(submission.target.origin)
    }

    /// Takes out the waiting request of a ticket; nil if there is none.
    mutating func remove(_ ticket: Ticket) -> Submission? { remove(where: { $0.ticket === ticket }).first }

    /// Takes out every waiting request whose time is up.
    mutating func removeExpired(at now: ContinuousClock.Instant) -> [Submission] {
        guard let nextDeadline, nextDeadline <= now else { return [] }
        let expired = remove(where: { $0.deadline <= now })
        self.nextDeadline = lanes.values.lazy.flatMap { $0.queue }.map { $0.deadline }.min()
        return expired
    }

    /// Takes out every waiting request.
    mutating func removeAll() -> [Submission] { remove(where: { _ in true }) }

    private mutating func remove(where isWanted: (Submission) -> Bool) -> [Submission] {
        var removed: [Submission] = []
        for (origin, lane) in lanes {
            let wanted = lane.queue.filter(isWanted)
            guard !wanted.isEmpty else { continue }
            removed += wanted
            lanes[origin]?.queue.removeAll(where: isWanted)
            dropLaneIfIdle(origin)
        }
        return removed
    }

    private mutating func dropLaneIfIdle(_ origin: String) {
        if let lane = lanes[origin], lane.running == 0, lane.queue.isEmpty { lanes[origin] = nil }
    }
}
