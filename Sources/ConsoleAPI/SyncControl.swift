import Synchronization

/// What a lane to the upstream is doing.
public enum LaneState: String, Codable, CaseIterable, Hashable, Sendable {
    /// Nothing is configured to send to.
    case disabled
    /// The network is away, or switched off.
    case offline
    /// Nothing waits.
    case idle
    case draining
    /// The last try failed; the next one is at a known time.
    case backingOff = "backing_off"
    /// A refused key or configuration; goes on by itself once that is right.
    case blocked
}

/// A lane as the sync daemon knows it; what has been counted comes from the stores.
public struct LaneStatus: Hashable, Sendable {
    public var state: LaneState
    /// One sentence for people, without secrets.
    public var lastError: String?
    /// Until the next try; nil when none is planned.
    public var nextAttempt: Duration?

    public init(_ state: LaneState, lastError: String? = nil, nextAttempt: Duration? = nil) {
        self.state = state
        self.lastError = lastError
        self.nextAttempt = nextAttempt
    }
}

/// Both lanes and the uplink at one moment.
public struct SyncStatus: Hashable, Sendable {
    /// Whether the upstream can be reached, as far as known.
    public var isOnline: Bool
    /// Whether a person has pulled the plug.
    public var isSwitchedOff: Bool
    public var orders: LaneStatus
    public var spans: LaneStatus

    public init(isOnline: Bool, isSwitchedOff: Bool, orders: LaneStatus, spans: LaneStatus) {
        self.isOnline = isOnline
        self.isSwitchedOff = isSwitchedOff
        self.orders = orders
        self.spans = spans
    }
}

/// The presenter's hand on the sync daemon. None of these waits for the network.
public protocol SyncControl: Sendable {
    func status() async -> SyncStatus

    /// Pulls the plug on the uplink, or puts it back. Doing it twice is doing it once.
    func setSwitchedOff(_ isSwitchedOff: Bool) async

    /// Ends a back-off. Does nothing for a lane that is disabled, or while the uplink is switched off.
    func tryNow() async
}

/// Which lanes have somewhere to send to.
public struct ConfiguredLanes: Hashable, Sendable {
    /// `SYNC_DATABASE_URL` is set, and the shop's own storage has an outbox.
    public var orders: Bool
    /// A key or an OTLP endpoint is set.
    public var spans: Bool

    public init(orders: Bool, spans: Bool) {
        self.orders = orders
        self.spans = spans
    }
}

/// Stands in for the sync daemon where none runs: sends nothing, and says so.
public final class IdleSync: SyncControl {
    private let lanes: ConfiguredLanes
    private let switchedOff: Mutex<Bool>

    /// - Parameter isSwitchedOff: `--offline`.
    public init(lanes: ConfiguredLanes, isSwitchedOff: Bool = false) {
        self.lanes = lanes
        switchedOff = Mutex(isSwitchedOff)
    }

    public func status() -> SyncStatus {
        let isOff = switchedOff.withLock { $0 }
        return SyncStatus(
            isOnline: !isOff,
            isSwitchedOff: isOff,
            orders: lane(lanes.orders),
            spans: lane(lanes.spans)
        )
    }

    public func setSwitchedOff(_ isSwitchedOff: Bool) {
        switchedOff.withLock { $0 = isSwitchedOff }
    }

    public func tryNow() {}

    private func lane(_ isConfigured: Bool) -> LaneStatus {
        let reason = "No popshop runs here: start one, or send what waits with `popshop sync`."
        return isConfigured ? LaneStatus(.blocked, lastError: reason) : LaneStatus(.disabled)
    }
}
