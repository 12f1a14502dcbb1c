import Synchronization

/// Wakes one task that waits for a time or for news, whichever comes first.
final class Wake: Sendable {
    private struct State {
        var isDue = false
        var waiting: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// There is news: whoever waits goes on at once, and whoever will wait next does not.
    func signal() {
        state.withLock { state in
            state.isDue = true
            state.waiting?.finish()
        }
    }

    /// Waits until there is news, the time is over, or the task is cancelled.
    ///
    /// - Parameter duration: Nil for no end.
    func wait(for duration: Duration?, _ clock: any Clock<Duration>) async {
        let (news, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            state.waiting = continuation
            if state.isDue { continuation.finish() }
            state.isDue = false
        }
        if let duration {
            await first({ for await _ in news {} }, { try? await clock.sleep(for: duration) })
        } else {
            for await _ in news {}
        }
        // News that came while this waited was heard.
        state.withLock { $0.isDue = false }
    }
}
