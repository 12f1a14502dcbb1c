import Synchronization

/// What a fault has done in the last minute.
public struct FaultEffect: Codable, Hashable, Sendable {
    /// Of the window that is counted.
    public static let seconds = 60

    /// Those it has touched.
    public var requests = 0
    /// Added to them, all together.
    public var milliseconds = 0.0
    /// Of them, those it has made fail.
    public var errors = 0

    public init(requests: Int = 0, milliseconds: Double = 0, errors: Int = 0) {
        self.requests = requests
        self.milliseconds = milliseconds
        self.errors = errors
    }

    public static func + (left: FaultEffect, right: FaultEffect) -> FaultEffect {
        FaultEffect(
            requests: left.requests + right.requests,
            milliseconds: left.milliseconds + right.milliseconds,
            errors: left.errors + right.errors
        )
    }
}

/// The faults of one service: what is on there, and what it has done, as counted where it was done.
public final class ServiceFaults: Sendable {
    /// By `service.name`.
    public let service: String
    public let live: LiveFaults
    private let windows: Mutex<[FaultName: EffectWindow]> = Mutex([:])

    public init(_ service: String, _ live: LiveFaults) {
        self.service = service
        self.live = live
    }

    /// A fault as it is on here; nil where it is off.
    public subscript(name: FaultName) -> FaultSetting? { live[name, service] }

    /// Counts one request that a fault has touched.
    ///
    /// - Parameter milliseconds: Added to it.
    public func count(_ name: FaultName, milliseconds: Double = 0, isError: Bool = false) {
        let effect = FaultEffect(requests: 1, milliseconds: milliseconds, errors: isError ? 1 : 0)
        let second = Self.second
        windows.withLock { $0[name, default: EffectWindow()].add(effect, at: second) }
    }

    /// What each fault has done in the last minute; those that have done nothing are not in it.
    public var effects: [FaultName: FaultEffect] {
        let second = Self.second
        return windows.withLock { windows in
            windows.mapValues { $0.sum(at: second) }.filter { $0.value.requests > 0 }
        }
    }

    private static let start = ContinuousClock.now
    private static var second: Int64 { (ContinuousClock.now - start).components.seconds }
}

/// One bucket a second, as many as the window has.
struct EffectWindow: Sendable {
    private var buckets: [(second: Int64, effect: FaultEffect)] = []

    mutating func add(_ effect: FaultEffect, at second: Int64) {
        if let last = buckets.last, last.second == second {
            buckets[buckets.count - 1].effect = last.effect + effect
        } else {
            buckets.removeAll { $0.second <= second - Int64(FaultEffect.seconds) }
            buckets.append((second, effect))
        }
    }

    func sum(at second: Int64) -> FaultEffect {
        buckets.filter { $0.second > second - Int64(FaultEffect.seconds) }.reduce(FaultEffect()) { $0 + $1.effect }
    }
}
