public import Faults

/// What can be taken out of a service's pool.
public struct PoolLeases: Sendable {
    let size: Int
    let acquireTimeout: Duration
    /// Returns what gives it back.
    let take: @Sendable () async throws -> @Sendable () -> Void

    /// - Parameters:
    ///   - acquireTimeout: How long one waits for a connection of this pool.
    ///   - take: Takes one connection, waiting in line like anybody; returns what gives it back.
    public init(
        size: Int,
        acquireTimeout: Duration,
        take: @escaping @Sendable () async throws -> @Sendable () -> Void
    ) {
        self.size = size
        self.acquireTimeout = acquireTimeout
        self.take = take
    }
}

/// Empties a pool: by holding some of its connections, or by holding all of them in pulses so long that a wanted share of
/// those who come waits in vain. Nobody is refused by this itself: they wait in the pool's own line, for its own time.
public struct PoolExhaustion: Sendable {
    private let leases: PoolLeases
    /// Between two tries for what could not be had in time.
    private static let pause = Duration.milliseconds(20)

    public init(_ leases: PoolLeases) { self.leases = leases }

    /// Acts until the task is cancelled; then every connection is given back.
    public func act(_ setting: FaultSetting) async {
        guard let strength = setting.strength else { return }
        if setting.option == "connections" {
            await hold(min(strength, leases.size)) { await Task.untilCancelled() }
            return
        }
        let cycle = DutyCycle(percent: strength, acquireTimeout: leases.acquireTimeout)
        var turn = 0
        while !Task.isCancelled {
            guard let pulse = cycle.pulse(turn) else {
                await hold(leases.size) { await Task.untilCancelled() }
                return
            }
            await hold(leases.size) { try? await Task.sleep(for: pulse.hold) }
            try? await Task.sleep(for: pulse.rest)
            turn += 1
        }
    }

    private func hold(_ count: Int, _ body: () async -> Void) async {
        let held = await take(count)
        await body()
        for release in held { release() }
    }

    private func take(_ count: Int) async -> [@Sendable () -> Void] {
        let take = leases.take
        return await withTaskGroup(of: (@Sendable () -> Void)?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    while !Task.isCancelled {
                        if let release = try? await take() { return release }
                        try? await Task.sleep(for: Self.pause)
                    }
                    return nil
                }
            }
            return await group.reduce(into: []) { if let release = $1 { $0.append(release) } }
        }
    }
}

/// How long all connections are held, and how long they are free in between, so that a share `f` of those who come at
/// random times, and need one connection each, waits longer than the acquire time-out `T`.
///
/// Who comes at the time `t` of a pulse of the length `H` waits `H − t`, and in vain when that is longer than `T`: so
/// those of the first `H − T` are lost, those of the last `T` wait and are served, and those of the rest `R` do not wait.
/// With the period `P = H + R`, `f = (H − T) / P`, and therefore `H = T + f·P` and `R = (1 − f)·P − T`. `R` has to be long
/// enough for those in line to be served, which bounds the period from below: `P ≥ (T + Rmin) / (1 − f)`. A period of at
/// least `4·T` lets no more than a quarter of all wait and be served. With `T` = 2 s and `f` = 45 %, `P` = 8 s: 5.6 s
/// held, 2.4 s free. With `f` = 100 % it is one pulse without an end.
///
/// Each period is longer than the last by another tenth, up to four, and then as short as the first: so that what comes in
/// even steps does not always come at the same point of it. The share is the same in each.
public struct DutyCycle: Hashable, Sendable {
    /// Enough to serve whoever stands in line.
    static let minimumRest = Duration.milliseconds(50)

    private let share: Double
    private let acquireTimeout: Duration

    /// - Parameter percent: 1 to 100.
    public init(percent: Int, acquireTimeout: Duration) {
        share = Double(percent) / 100
        self.acquireTimeout = acquireTimeout
    }

    /// The pulse of a turn; nil for one without an end.
    public func pulse(_ turn: Int) -> (hold: Duration, rest: Duration)? {
        guard share < 1 else { return nil }
        let shortest = max(acquireTimeout * 4, (acquireTimeout + Self.minimumRest) / (1 - share))
        let period = shortest * (1 + Double(turn % 5) / 10)
        let hold = acquireTimeout + period * share
        return (hold, period - hold)
    }
}
