import Logging
public import ServiceLifecycle
import ServiceTracing
import Storage
import Synchronization
import Tracing

/// Looking for Redis, and giving it what it has missed.
extension SteadyCartStore: Service {
    /// The most changes that are sent together.
    private static let batch = 64

    /// Runs until the task is cancelled or the group shuts down; without it carts stay in memory once Redis was away.
    /// It should end after the service that serves the carts.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            // Redis away at the start is said before the first request finds out.
            await self.look()
            for await _ in self.wakes.stream { await self.recover() }
        }
        await sendTheRest()
    }

    private func look() async {
        do {
            try await redis.ping()
        } catch {
            if let error = error as? StorageError { leave(error) }
        }
    }

    /// Until nothing is left to be done.
    private func recover() async {
        var failures = 0
        while !Task.isCancelled, guarded.withLock({ $0.trouble != nil || $0.journal.count > 0 }) {
            do {
                try await comeBack()
                failures = 0
            } catch {
                if let error = error as? StorageError { leave(error) }
                try? await Task.sleep(for: wait(after: failures))
                failures += 1
            }
        }
    }

    /// Full jitter: `rand(0, min(cap, base·2ⁿ))`.
    private func wait(after failures: Int) -> Duration {
        var ceiling = backOff.lowerBound
        for _ in 0..<min(failures, 40) where ceiling < backOff.upperBound { ceiling *= 2 }
        return .nanoseconds(Int64.random(in: 0...Int64(min(ceiling, backOff.upperBound) / .nanoseconds(1))))
    }

    /// Most of the journal goes while the circuit is still open: a Redis that answers PING and takes no writes is not
    /// back. The rest, which comes as long as requests do, goes behind it.
    private func comeBack() async throws {
        try await redis.ping()
        let batches = guarded.withLock { $0.journal.count / Self.batch + 1 }
        try await merge(atMost: batches)
        guarded.withLock { $0.trouble = nil }
        try await merge(atMost: .max)
        sayBack()
    }

    private func sayBack() {
        let (merged, refused, dropped) = guarded.withLock { ($0.merged, $0.refused, $0.journal.dropped) }
        guarded.withLock { ($0.merged, $0.refused, $0.isDropSaid) = (0, 0, false) }
        logger.info(
            "Redis is back: \(merged) changes to carts were merged, \(refused) refused, \(dropped) dropped so far."
        )
    }

    private func merge(atMost batches: Int) async throws {
        guard guarded.withLock({ $0.journal.count > 0 }) else { return }
        // A trace of its own: the requests that these changes were made by have long been answered.
        try await tracer.withSpan("merge carts", context: .topLevel) { span in
            var left = batches
            var sent = 0
            defer { span.set("popshop.cart.changes", .int(sent)) }
            while left > 0, let count = try await mergeOne() {
                left -= 1
                sent += count
            }
        }
    }

    /// - Returns: How many changes were sent; nil when there are none.
    private func mergeOne() async throws -> Int? {
        guard let batch = guarded.withLock({ $0.journal.next(Self.batch) }) else { return nil }
        let outcome = try await redis.replay(batch.changes, to: batch.cart)
        guarded.withLock { state in
            state.journal.settle(batch)
            state.merged += batch.changes.count - outcome.refused
            state.refused += outcome.refused
            // From here on Redis is asked, in this very step.
            if !state.journal.holds(batch.cart), let cart = outcome.cart { state.shelf.keep(cart) }
        }
        return batch.changes.count
    }

    /// A few tries, so that an orderly restart of the service loses nothing.
    private func sendTheRest() async {
        let deadline = ContinuousClock.now + lastTry
        var triesLeft = 3
        while triesLeft > 0, ContinuousClock.now < deadline {
            do {
                guard try await mergeOne() != nil else { return }
            } catch {
                triesLeft -= 1
            }
        }
        let left = guarded.withLock { $0.journal.count }
        if left > 0 { logger.error("\(left) changes to carts that Redis has not taken are lost with this process.") }
    }
}
