public import Dispatch

/// A timer, gone with its last reference.
public final class WakeTimer {
    private let source: any DispatchSourceTimer
    /// When it was last set to go off first.
    public private(set) var due = ContinuousClock.now

    /// - Parameter handler: Called on a thread of Dispatch's.
    public init(_ handler: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource()
        source.setEventHandler(handler: handler)
        source.schedule(deadline: .distantFuture)
        source.resume()
    }

    deinit { source.cancel() }

    public func set(_ due: ContinuousClock.Instant, repeating interval: DispatchTimeInterval = .never) {
        self.due = due
        let wait = (due - .now).dispatchInterval
        source.schedule(deadline: .now() + wait, repeating: interval, leeway: .milliseconds(1))
    }
}

extension Duration {
    /// For Dispatch. No wait of ours is longer than a day, and a day in nanoseconds fits.
    public var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = min(max(self, .zero), .seconds(86_400)).components
        return .nanoseconds(Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
