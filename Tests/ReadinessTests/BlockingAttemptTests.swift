import Dispatch
import Readiness
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5)))
struct BlockingAttemptTests {
    @Test func `a call that is in time is the outcome, with what it made or its error`() async throws {
        let made = await outcome(of: Attempt(), within: .seconds(3600)) { Made(7) }
        #expect(try made.get().number == 7)
        let failed = await outcome(of: Attempt(), within: .seconds(3600)) { () throws(Failure) in throw .ofCall }
        #expect(throws: Failure.ofCall) { try failed.get() }
    }

    @Test func `a call that is not in time is over, and is told so if it asks`() async throws {
        let attempt = Attempt()
        let gate = DispatchSemaphore(value: 0)
        let (seen, seeing) = AsyncStream.makeStream(of: Bool.self)
        let late = await outcome(of: attempt, within: .zero) {
            gate.wait()
            seeing.yield(attempt.isOver)
            return Made(7)
        }
        #expect(throws: Failure.overdue) { try late.get() }
        gate.signal()
        #expect(await seen.first { _ in true } == true)
    }

    @Test func `what a call makes when the attempt is over is let go of`() async throws {
        let attempt = Attempt()
        let gate = DispatchSemaphore(value: 0)
        let (gone, going) = AsyncStream.makeStream(of: Void.self)
        let given = await outcome(of: attempt, within: .seconds(3600)) {
            attempt.giveUp(.givenUp)
            gate.wait()
            return Made(7) { going.yield() }
        }
        #expect(throws: Failure.givenUp) { try given.get() }
        gate.signal()
        #expect(await gone.first { _ in true } != nil)
    }

    @Test func `an attempt that was given up before it began makes no call`() async throws {
        let attempt = Attempt()
        attempt.giveUp(.givenUp)
        attempt.giveUp(.overdue)
        #expect(attempt.isOver)
        let calls = Atomic(0)
        let given = await outcome(of: attempt, within: .zero) {
            calls.add(1, ordering: .relaxed)
            return Made(7)
        }
        #expect(throws: Failure.givenUp) { try given.get() }
        #expect(calls.load(ordering: .relaxed) == 0)
    }
}

private typealias Attempt = BlockingAttempt<Made, Failure>

private enum Failure: Error { case ofCall, overdue, givenUp }

/// Not `Sendable`, as a connection's session is not.
private final class Made {
    let number: Int
    private let gone: () -> Void

    init(_ number: Int, gone: @escaping () -> Void = {}) {
        self.number = number
        self.gone = gone
    }

    deinit { gone() }
}

private func outcome(
    of attempt: Attempt,
    within timeout: Duration,
    _ call: @escaping @Sendable () throws(Failure) -> sending Made
) async -> sending Attempt.Outcome {
    await attempt.outcome(label: "popshop.tests.attempt", timeout: timeout, overdue: .overdue, of: call)
}
