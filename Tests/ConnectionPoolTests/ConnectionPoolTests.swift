import Synchronization
import Testing

@testable import ConnectionPool

@Suite(.timeLimit(.minutes(15)))
struct ConnectionPoolTests {
    @Test("Connections are made when first needed, kept, and never more than the size")
    func bounds() async throws {
        let bench = Bench(size: 2)
        #expect(bench.pool.leaseIfIdle() == nil)
        let first = try await bench.pool.lease()
        let second = try await bench.pool.lease()
        #expect(bench.made == 2)
        #expect(bench.pool.statistics.active == 2 && bench.pool.statistics.maximum == 2)
        #expect(bench.pool.leaseIfIdle() == nil)
        first.release()
        let third = try #require(bench.pool.leaseIfIdle())
        #expect(third.connection == first.connection)
        second.release()
        third.release()
        #expect(bench.made == 2 && bench.pool.statistics.active == 0)
    }

    @Test("A size below one is one")
    func smallestSize() {
        #expect(PoolConfiguration(size: 0).size == 1 && PoolConfiguration(size: -5).size == 1)
    }

    @Test("Those who wait are served in the order they came")
    func order() async throws {
        let bench = Bench(size: 1)
        let lease = try await bench.pool.lease()
        let (served, report) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<20 {
                group.addTask {
                    let lease = try await bench.pool.lease()
                    report.yield(index)
                    lease.release()
                }
                await bench.until { $0.waiting == index + 1 }
            }
            lease.release()
            try await group.waitForAll()
        }
        report.finish()
        #expect(await served.reduce(into: []) { $0.append($1) } == Array(0..<20))
    }

    @Test("Returning twice counts once, whichever way")
    func returnedTwice() async throws {
        let bench = Bench(size: 1)
        let lease = try await bench.pool.lease()
        lease.release()
        lease.release()
        lease.discard()
        #expect(bench.pool.statistics.active == 0)
        let again = try #require(bench.pool.leaseIfIdle())
        #expect(bench.pool.leaseIfIdle() == nil)
        lease.discard()
        #expect(bench.pool.statistics.active == 1)
        again.release()
    }

    @Test("One who waits too long gives up with a time-out, is counted, and stands in nobody's way")
    func timeout() async throws {
        for timeout in [Duration.zero, .milliseconds(1), .milliseconds(20)] {
            let bench = Bench(size: 1, timeout: timeout)
            let lease = try await bench.pool.lease()
            await #expect(throws: PoolError(kind: .timeout, pool: "test")) { try await bench.pool.lease() }
            #expect(bench.pool.statistics.timeouts == 1 && bench.pool.statistics.waiting == 0)
            lease.release()
            try await bench.pool.withConnection { _ in #expect(bench.pool.statistics.active == 1) }
        }
    }

    @Test("One more than may wait is refused at once")
    func tooManyWaiting() async throws {
        let bench = Bench(size: 1, waiting: 2)
        let lease = try await bench.pool.lease()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { try await bench.pool.lease().release() } }
            await bench.until { $0.waiting == 2 }
            await #expect(throws: PoolError(kind: .tooManyWaiting, pool: "test")) { try await bench.pool.lease() }
            #expect(bench.pool.statistics.rejected == 1 && bench.pool.statistics.waiting == 2)
            lease.release()
            try await group.waitForAll()
        }
        #expect(bench.pool.statistics.active == 0)
    }

    @Test("However many come at once, no more wait than may")
    func stampede() async throws {
        let bench = Bench(size: 1, waiting: 8)
        let lease = try await bench.pool.lease()
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    do {
                        try await bench.pool.lease().release()
                        return false
                    } catch is PoolError {
                        return true
                    }
                }
            }
            await bench.until { $0.rejected == 92 }
            #expect(bench.pool.statistics.waiting == 8)
            lease.release()
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused == 92)
    }

    @Test("A cancelled wait ends, and the connection goes to the next")
    func cancellation() async throws {
        let bench = Bench(size: 1)
        let lease = try await bench.pool.lease()
        let cancelled = Task { try await bench.pool.lease() }
        await bench.until { $0.waiting == 1 }
        let next = Task { try await bench.pool.lease() }
        await bench.until { $0.waiting == 2 }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(bench.pool.statistics.waiting == 1 && bench.pool.statistics.timeouts == 0)
        lease.release()
        let served = try await next.value
        #expect(served.connection == lease.connection)
        served.release()
    }

    @Test("A task cancelled before it waits does not wait")
    func cancelledBefore() async throws {
        let bench = Bench(size: 1)
        let lease = try await bench.pool.lease()
        let (start, go) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for await _ in start {}
            return try await bench.pool.lease()
        }
        task.cancel()
        go.finish()
        await #expect(throws: CancellationError.self) { try await task.value }
        lease.release()
    }

    @Test("A discarded connection is replaced for the first who waits")
    func discard() async throws {
        let bench = Bench(size: 1)
        let lease = try await bench.pool.lease()
        let waiter = Task { try await bench.pool.lease() }
        await bench.until { $0.waiting == 1 }
        lease.discard()
        let replaced = try await waiter.value
        #expect(replaced.connection != lease.connection && bench.made == 2)
        replaced.discard()
        #expect(bench.pool.statistics.active == 0)
    }

    @Test("withConnection gives the connection back when its body throws")
    func throwingBody() async throws {
        let bench = Bench(size: 1)
        await #expect(throws: Bench.Broken.self) {
            try await bench.pool.withConnection { _ in throw Bench.Broken() }
        }
        #expect(bench.pool.statistics.active == 0 && bench.pool.leaseIfIdle() != nil)
    }
}

@Suite(.timeLimit(.minutes(15)))
struct FailingFactoryTests {
    @Test("A connection that cannot be opened takes no place")
    func failure() async throws {
        let bench = Bench(size: 1)
        bench.breaks(times: 3)
        for _ in 0..<3 {
            await #expect(throws: Bench.Broken.self) { try await bench.pool.lease() }
            #expect(bench.pool.statistics.active == 0)
        }
        try await bench.pool.withConnection { _ in #expect(bench.pool.statistics.active == 1) }
    }

    @Test("Everyone who waits is told when no connection can be opened any more")
    func waiters() async throws {
        let bench = Bench(size: 1)
        let lease = try await bench.pool.lease()
        let waiters = (0..<5).map { _ in Task { try await bench.pool.lease() } }
        await bench.until { $0.waiting == 5 }
        bench.breaks(times: .max)
        lease.discard()
        for waiter in waiters { await #expect(throws: Bench.Broken.self) { try await waiter.value } }
        #expect(bench.pool.statistics.active == 0 && bench.pool.statistics.waiting == 0)
    }
}
