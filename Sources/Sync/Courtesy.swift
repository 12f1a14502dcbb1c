import TelemetryBuffer

/// How long a drain rests between two requests, so that the shop is not slower for what is being sent.
///
/// No priority does that alone: a request costs the machine's disk, caches and kernel as well as a core, and a purchase
/// that meets it takes a third longer. While the shop is busy a drain is at work a twentieth of the time, and so met by
/// too few purchases to be seen in their 99th percentile, which a tenth made a sixth longer. An idle shop has nobody to
/// be kept waiting; and when the buffer fills up, room for what is to come is worth more.
struct Courtesy: Sendable {
    /// Rests for each unit of work.
    static let restsPerWork = 19
    /// A slow line is no work of this machine's: however long a request took, the rest is no longer.
    static let longestRest = Duration.milliseconds(500)
    /// Recorded spans a second from which on a shop is busy: some twenty purchases.
    static let busyRate = 500.0
    /// A rate is taken over this at least, in nanoseconds.
    static let window: UInt64 = 100_000_000

    private(set) var isBusy = false
    private var last: (recorded: Int, at: UInt64)?

    /// - Parameters:
    ///   - load: The buffer's.
    ///   - now: Of the monotonic clock, in nanoseconds.
    mutating func note(_ load: BufferLoad, now: UInt64) {
        guard !load.isFilling else {
            (isBusy, last) = (false, (load.recorded, now))
            return
        }
        guard let last else { return self.last = (load.recorded, now) }
        let passed = now > last.at ? now - last.at : 0
        guard passed >= Self.window else { return }
        isBusy = Double(load.recorded - last.recorded) * 1e9 / Double(passed) >= Self.busyRate
        self.last = (load.recorded, now)
    }

    /// - Parameter work: How long reading, packing, sending and waiting for the answer took.
    func rest(after work: Duration) -> Duration {
        isBusy ? min(work * Self.restsPerWork, Self.longestRest) : .zero
    }
}
