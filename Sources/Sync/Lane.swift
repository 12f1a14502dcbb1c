public import ConsoleAPI

/// What takes one kind of thing upstream. Nothing in it waits for a clock: whoever owns it calls `round()` from time to
/// time, and it knows by itself whether it is time for a try.
public protocol Lane: Sendable {
    /// Sends until nothing waits or something stands in the way, if it is time to.
    ///
    /// - Returns: Whether anything was taken by the upstream.
    @discardableResult
    func round() async -> Bool

    /// What it is doing. Waits for nothing.
    func status() async -> LaneStatus

    /// How many wait, as far as known.
    func pendingCount() async -> Int

    /// Whether nothing stands in its way and the last try, if there was one, worked.
    var isClear: Bool { get async }

    /// Pulls the plug, or puts it back. What is on its way is let arrive, so that its answer is not missed.
    func setSwitchedOff(_ isSwitchedOff: Bool) async

    /// Ends a back-off, but not what the upstream itself asked for.
    func tryNow() async

    /// The machine's network has changed, or is known to be back: as `tryNow`, but not for what waits for a person.
    func networkChanged() async

    /// Begins nothing more; what is on its way is let arrive.
    func stop()
}
