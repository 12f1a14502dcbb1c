import Dispatch

/// A timer on a connection's queue, gone with its last reference.
final class QueueTimer {
    private let source: any DispatchSourceTimer
    private(set) var due = ContinuousClock.now

    /// - Parameter handler: Called on `queue`.
    init(on queue: DispatchQueue, handler: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.setEventHandler(handler: handler)
        source.schedule(deadline: .distantFuture)
        source.resume()
    }

    deinit { source.cancel() }

    func set(_ due: ContinuousClock.Instant, repeating interval: DispatchTimeInterval = .never) {
        self.due = due
        let wait = (due - .now).dispatchInterval
        source.schedule(deadline: .now() + wait, repeating: interval, leeway: .milliseconds(1))
    }
}

extension Duration {
    /// For Dispatch. No wait of ours is longer than a day, and a day in nanoseconds fits.
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = min(max(self, .zero), .seconds(86_400)).components
        return .nanoseconds(Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
