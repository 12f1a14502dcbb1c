import ConsoleAPI
import ServiceTracing

/// What stands in a lane's way, and when it tries again: the same for every lane. A value; times are nanoseconds on the
/// monotonic clock, which the lane has.
struct LaneCondition: Sendable {
    /// What stands in the way.
    private enum Obstacle {
        /// Passes by itself; `offline` when there was no exchange at all.
        case failure(String, offline: Bool)
        /// Somebody has to put something right.
        case blocked(String)
    }

    private var obstacle: Obstacle?
    private var backOff: BackOff
    /// No try before it.
    private var dueAt: UInt64 = 0
    /// And none even when one is asked for: what a `Retry-After` said.
    private var floorAt: UInt64 = 0
    private(set) var isSwitchedOff: Bool
    /// Whether the last try worked, or none was made yet.
    var isClear: Bool { obstacle == nil }

    /// What stands in the way, for a span's `error.type` and its sentence.
    var obstacleName: (name: String, sentence: String)? {
        switch obstacle {
        case .failure(let sentence, let offline): (offline ? "offline" : "postponed", sentence)
        case .blocked(let sentence): ("blocked", sentence)
        case nil: nil
        }
    }

    init(backOff: BackOff, isSwitchedOff: Bool) {
        self.backOff = backOff
        self.isSwitchedOff = isSwitchedOff
    }

    /// What is told of it.
    ///
    /// - Parameter notice: The last word of a lane that has nothing in its way.
    func status(isDraining: Bool, notice: String?, now: UInt64) -> LaneStatus {
        if isSwitchedOff { return LaneStatus(.offline) }
        let wait = Duration.nanoseconds(Int64(clamping: dueAt > now ? dueAt - now : 0))
        switch obstacle {
        case .blocked(let reason): return LaneStatus(.blocked, lastError: reason, nextAttempt: wait)
        case .failure(let reason, let offline):
            return LaneStatus(offline ? .offline : .backingOff, lastError: reason, nextAttempt: wait)
        case nil: return LaneStatus(isDraining ? .draining : .idle, lastError: notice)
        }
    }

    func isDue(_ now: UInt64) -> Bool { now >= dueAt }

    /// Pulls the plug, or puts it back.
    mutating func setSwitchedOff(_ isSwitchedOff: Bool, now: UInt64) {
        guard self.isSwitchedOff != isSwitchedOff else { return }
        self.isSwitchedOff = isSwitchedOff
        if !isSwitchedOff { tryNow(now) }
    }

    /// Ends a back-off, but not what a `Retry-After` asked for.
    mutating func tryNow(_ now: UInt64) {
        guard !isSwitchedOff else { return }
        dueAt = min(dueAt, max(floorAt, now))
    }

    /// The network may be another: ends a back-off, and leaves what waits for a person to its own time.
    mutating func networkChanged(_ now: UInt64) {
        if case .blocked? = obstacle { return }
        tryNow(now)
    }

    /// It failed and may work later.
    ///
    /// - Returns: Whether this is news.
    mutating func postpone(_ reason: String, after floor: Duration? = nil, offline: Bool, now: UInt64) -> Bool {
        let isNews = isClear
        obstacle = .failure(reason, offline: offline)
        // Each of several in flight tells of one and the same failure.
        if dueAt <= now { dueAt = now &+ backOff.next(floor: floor).nanoseconds }
        if let floor {
            floorAt = max(floorAt, now &+ floor.nanoseconds)
            dueAt = max(dueAt, floorAt)
        }
        return isNews
    }

    /// It cannot work before somebody has put something right; looked at again at the back-off's cap.
    ///
    /// - Returns: Whether this is news.
    mutating func block(_ reason: String, now: UInt64) -> Bool {
        defer {
            obstacle = .blocked(reason)
            dueAt = max(floorAt, now &+ backOff.cap.nanoseconds)
        }
        guard case .blocked(reason)? = obstacle else { return true }
        return false
    }

    /// It works. Another request of the same moment may have been asked to wait: then nothing changes.
    ///
    /// - Returns: Whether something stood in the way, which is gone now.
    mutating func recover(_ now: UInt64) -> Bool {
        guard now >= floorAt else { return false }
        defer {
            obstacle = nil
            dueAt = 0
            backOff.reset()
        }
        return !isClear
    }
}
