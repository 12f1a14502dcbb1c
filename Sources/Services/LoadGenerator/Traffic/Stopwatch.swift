/// Time since a start, on any clock.
struct Stopwatch: Sendable {
    private let passed: @Sendable () -> Duration
    private let sleep: @Sendable (_ offset: Duration) async throws -> Void
    private let start: @Sendable () -> Stopwatch

    /// Starts now.
    init(_ clock: some Clock<Duration>) {
        let start = clock.now
        self.start = { Stopwatch(clock) }
        passed = { start.duration(to: clock.now) }
        sleep = { offset in try await clock.sleep(until: start.advanced(by: offset), tolerance: nil) }
    }

    var elapsed: Duration { passed() }

    /// One on the same clock that starts now.
    var restarted: Stopwatch { start() }

    /// Waits until so long after the start, not at all when that is over.
    ///
    /// - Throws: `CancellationError`.
    func wait(until offset: Duration) async throws {
        try Task.checkCancellation()
        try await sleep(offset)
    }
}
