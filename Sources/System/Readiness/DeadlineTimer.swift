public import Dispatch

/// One timer for one deadline after the other, each of which mostly passes unused: it is set anew only for a deadline that
/// comes before the time it is set to, and what it finds at that time may be the deadline of somebody later. It belongs to
/// one actor, and is gone with its last reference.
public final class DeadlineTimer {
    private let source: any DispatchSourceTimer
    /// When it goes off; nil when it does not.
    private var due: ContinuousClock.Instant?

    /// Nil when nothing is to be over.
    public var deadline: ContinuousClock.Instant? {
        didSet {
            guard let deadline else { return }
            if due.map({ $0 > deadline }) ?? true { set(deadline) }
        }
    }

    /// - Parameter handler: Called on a thread of Dispatch's when a deadline may have come: to ask `isOver` then.
    public init(_ handler: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource()
        source.setEventHandler(handler: handler)
        source.schedule(deadline: .distantFuture)
        source.resume()
    }

    deinit { source.cancel() }

    /// Whether the deadline has come; if not, the handler is called again when it may have.
    public func isOver() -> Bool {
        due = nil
        guard let deadline else { return false }
        guard deadline > .now else { return true }
        set(deadline)
        return false
    }

    private func set(_ due: ContinuousClock.Instant) {
        self.due = due
        source.schedule(deadline: .now() + (due - .now).dispatchInterval, leeway: .milliseconds(1))
    }
}

extension Duration {
    /// For Dispatch. No wait of ours is longer than a day, and a day in nanoseconds fits.
    public var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = min(max(self, .zero), .seconds(86_400)).components
        return .nanoseconds(Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
