import Synchronization

@testable import ConnectionPool

/// A pool of numbers, and what its factory was asked.
final class Bench: Sendable {
    struct Broken: Error {}

    private struct Factory {
        var made = 0
        var open = 0
        var mostOpen = 0
        var asked = 0
        var breaks = 0
        var failsEvery: Int?

        mutating func make() throws -> Int {
            asked += 1
            if breaks > 0 {
                breaks -= 1
                throw Broken()
            }
            if let failsEvery, asked % failsEvery == 0 { throw Broken() }
            made += 1
            open += 1
            mostOpen = max(mostOpen, open)
            return made
        }
    }

    let pool: ConnectionPool<Int>
    private let factory: Shared

    private final class Shared: Sendable {
        let state = Mutex(Factory())
    }

    init(size: Int, waiting: Int = 1024, timeout: Duration = .seconds(30), failsEvery: Int? = nil) {
        let factory = Shared()
        factory.state.withLock { $0.failsEvery = failsEvery }
        self.factory = factory
        pool = ConnectionPool(
            name: "test",
            configuration: PoolConfiguration(size: size, maximumWaiting: waiting, acquireTimeout: timeout)
        ) {
            try factory.state.withLock { try $0.make() }
        }
    }

    /// How many connections were made so far.
    var made: Int { factory.state.withLock { $0.made } }

    /// The most that were open at once.
    var mostMade: Int { factory.state.withLock { $0.mostOpen } }

    /// A connection is about to be discarded.
    func closed() { factory.state.withLock { $0.open -= 1 } }

    /// Makes the next calls of the factory fail, and no others.
    func breaks(times: Int) {
        factory.state.withLock { factory in
            factory.breaks = times
            factory.failsEvery = nil
        }
    }

    /// Returns when the pool is in a state.
    func until(_ condition: (PoolStatistics) -> Bool) async {
        while !condition(pool.statistics) { await Task.yield() }
    }
}
