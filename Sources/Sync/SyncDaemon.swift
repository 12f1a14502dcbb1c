public import ConsoleAPI
public import ServiceLifecycle
import Synchronization

/// The sync daemon: takes what waits upstream, for as long as it runs.
public final class SyncDaemon: SyncControl, Service {
    private let spans: SpanUplink
    private let orders: LaneStatus
    private let isSwitchedOff: Mutex<Bool>
    private let timer: any Clock<Duration>
    private let interval: Duration
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - hasOrders: Whether orders have somewhere to go. This version does not take them there, and says so.
    ///   - isSwitchedOff: As the lane was told.
    ///   - interval: How often the buffer, not the network, is looked at.
    public init(
        spans: SpanUplink,
        hasOrders: Bool,
        isSwitchedOff: Bool = false,
        timer: any Clock<Duration> = ContinuousClock(),
        interval: Duration = .milliseconds(500)
    ) {
        self.spans = spans
        let sentence = "This version of popshop cannot push orders yet; they wait in the outbox."
        orders = hasOrders ? LaneStatus(.blocked, lastError: sentence) : LaneStatus(.disabled)
        self.isSwitchedOff = Mutex(isSwitchedOff)
        self.timer = timer
        self.interval = interval
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    public func status() async -> SyncStatus {
        let lane = await spans.status()
        return SyncStatus(
            isOnline: lane.state != .offline && !isSwitchedOff.withLock { $0 },
            isSwitchedOff: isSwitchedOff.withLock { $0 },
            orders: orders,
            spans: lane
        )
    }

    public func setSwitchedOff(_ isSwitchedOff: Bool) async {
        self.isSwitchedOff.withLock { $0 = isSwitchedOff }
        await spans.setSwitchedOff(isSwitchedOff)
        wake.yield()
    }

    public func tryNow() async {
        await spans.tryNow()
        wake.yield()
    }

    /// Sends until the group shuts down; then begins nothing more and waits for the answers that are due.
    public func run() async {
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await self.tick() }
                for await _ in self.wakes { await self.spans.round() }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.spans.stop()
            self.wake.finish()
        }
    }

    private func tick() async {
        wake.yield()
        while !Task.isCancelled {
            try? await timer.sleep(for: interval)
            wake.yield()
        }
    }
}
