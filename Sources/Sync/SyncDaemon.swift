public import ConsoleAPI
public import ServiceLifecycle
import Synchronization

/// The sync daemon: two lanes that take what waits upstream, for as long as it runs. Each has a loop of its own, so that
/// one that is stuck never holds up the other; what one learns of the network it tells the other.
public final class SyncDaemon: SyncControl, Service {
    /// A lane, and what wakes it.
    private struct Track: Sendable {
        let lane: any Lane
        let interval: Duration
        let wakes: AsyncStream<Void>
        let wake: AsyncStream<Void>.Continuation

        init(_ lane: any Lane, _ interval: Duration) {
            self.lane = lane
            self.interval = interval
            (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }

        func tryNow() async {
            await lane.tryNow()
            wake.yield()
        }

        func networkChanged() async {
            await lane.networkChanged()
            wake.yield()
        }
    }

    /// How often the shop's own disk, not the network, is looked at.
    public struct Intervals: Sendable {
        public var orders = Duration.milliseconds(500)
        /// Spans come all the time: those of two seconds make one request.
        public var spans = Duration.seconds(2)
        /// From a change of the routes to a try: a network that comes up changes several things.
        public var settling = Duration.milliseconds(500)

        public init() {}
    }

    private let orders: Track
    private let spans: Track
    private let routes: RouteWatch
    private let isSwitchedOff: Mutex<Bool>
    private let timer: any Clock<Duration>
    private let settling: Duration

    /// - Parameters:
    ///   - routes: What tells of a network that may be back.
    ///   - isSwitchedOff: As the lanes were told.
    public init(
        orders: any Lane,
        spans: any Lane,
        routes: RouteWatch = .none,
        isSwitchedOff: Bool = false,
        timer: any Clock<Duration> = ContinuousClock(),
        intervals: Intervals = Intervals()
    ) {
        self.orders = Track(orders, intervals.orders)
        self.spans = Track(spans, intervals.spans)
        self.routes = routes
        self.isSwitchedOff = Mutex(isSwitchedOff)
        self.timer = timer
        settling = intervals.settling
    }

    public func status() async -> SyncStatus {
        let (orders, spans) = (await orders.lane.status(), await spans.lane.status())
        let isSwitchedOff = isSwitchedOff.withLock { $0 }
        let states = [orders.state, spans.state].filter { $0 != .disabled }
        let isReachable = states.isEmpty || states.contains { $0 != .offline }
        return SyncStatus(
            isOnline: isReachable && !isSwitchedOff,
            isSwitchedOff: isSwitchedOff,
            orders: orders,
            spans: spans
        )
    }

    public func setSwitchedOff(_ isSwitchedOff: Bool) async {
        self.isSwitchedOff.withLock { $0 = isSwitchedOff }
        for track in [orders, spans] {
            await track.lane.setSwitchedOff(isSwitchedOff)
            track.wake.yield()
        }
    }

    public func tryNow() async {
        for track in [orders, spans] { await track.tryNow() }
    }

    /// Sends until the group shuts down; then begins nothing more and waits for the answers that are due.
    public func run() async {
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                for track in [orders, spans] { group.addTask { await self.tick(track) } }
                group.addTask { await self.watchRoutes() }
                async let orders: Void = serve(self.orders, beside: self.spans)
                await serve(self.spans, beside: self.orders)
                await orders
                group.cancelAll()
            }
        } onGracefulShutdown: {
            for track in [self.orders, self.spans] {
                track.lane.stop()
                track.wake.finish()
            }
        }
    }

    /// What gets through is news of the network to a lane that has something in its way: it tries at once too. Once for
    /// each time that it was kept, or two lanes would be one that never backs off.
    private func serve(_ track: Track, beside other: Track) async {
        var hasTold = false
        for await _ in track.wakes {
            let wasClear = await track.lane.isClear
            guard await track.lane.round() else { continue }
            // An order that is stuck stands in its lane's way while others pass.
            let isBack = await track.lane.isClear && !wasClear
            if await other.lane.isClear {
                hasTold = false
            } else if !hasTold || isBack {
                hasTold = true
                await other.networkChanged()
            }
        }
    }

    private func tick(_ track: Track) async {
        track.wake.yield()
        while !Task.isCancelled {
            try? await timer.sleep(for: track.interval)
            track.wake.yield()
        }
    }

    private func watchRoutes() async {
        for await _ in routes.changes {
            try? await timer.sleep(for: settling)
            for track in [orders, spans] { await track.networkChanged() }
        }
    }
}
