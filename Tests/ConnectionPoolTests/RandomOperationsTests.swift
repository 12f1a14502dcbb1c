import Synchronization
import Testing

@testable import ConnectionPool

@Suite(.timeLimit(.minutes(15)))
struct RandomOperationsTests {
    @Test(
        "Ten thousand random operations never lend more than the size, nor one connection twice, nor lose a lease",
        arguments: [1, 2, 3] as [UInt64]
    )
    func random(seed: UInt64) async throws {
        let bench = Bench(size: 4, waiting: 64, timeout: .milliseconds(2), failsEvery: 7)
        let lent = Lent()
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<20 {
                group.addTask {
                    var random = SplitMix(state: seed &* 1000 &+ UInt64(worker))
                    for _ in 0..<500 { await operate(bench, lent, &random) }
                }
            }
        }
        // Nobody holds or waits any more, and all four can be had again.
        #expect(bench.pool.statistics.active == 0 && bench.pool.statistics.waiting == 0)
        #expect(lent.numbers.withLock { $0.isEmpty })
        #expect(bench.mostMade <= 4)
        bench.breaks(times: 0)
        var leases: [Lease<Int>] = []
        for _ in 0..<4 { leases.append(try await bench.pool.lease()) }
        #expect(Set(leases.map(\.connection)).count == 4)
        for lease in leases { lease.release() }
    }

    private func operate(_ bench: Bench, _ lent: Lent, _ random: inout SplitMix) async {
        let choice = random.next() % 10
        if choice == 0 {
            let waiter = Task { try await bench.pool.lease() }
            await Task.yield()
            waiter.cancel()
            (try? await waiter.value)?.release()
            return
        }
        guard let lease = choice == 1 ? bench.pool.leaseIfIdle() : try? await bench.pool.lease() else { return }
        #expect(lent.numbers.withLock { $0.insert(lease.connection).inserted })
        #expect(bench.pool.statistics.active <= 4)
        for _ in 0..<random.next() % 4 { await Task.yield() }
        lent.numbers.withLock { _ = $0.remove(lease.connection) }
        if choice == 2 {
            bench.closed()
            lease.discard()
        } else {
            lease.release()
        }
    }

    /// The connections that are lent now.
    private final class Lent: Sendable {
        let numbers = Mutex<Set<Int>>([])
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }
}
