import Foundation

/// Blocking work by threads of their own, each with a connection of its own: what the servers' C libraries are made for.
enum Threads {
    /// - Parameter begin: Connects, and returns what is done again and again: how much of it was done in one go.
    /// - Returns: How much all of them did a second.
    static func rate(
        _ threads: Int,
        seconds: Int,
        _ begin: @escaping @Sendable () throws -> () throws -> Int
    ) async throws -> Double {
        try await withThrowingTaskGroup(of: Double.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        Thread.detachNewThread { continuation.resume(with: Result { try rate(seconds, begin()) }) }
                    }
                }
            }
            return try await group.reduce(0, +)
        }
    }

    private static func rate(_ seconds: Int, _ work: () throws -> Int) throws -> Double {
        let begun = ContinuousClock.now
        var (done, took) = (0, Duration.zero)
        while took < .seconds(seconds) {
            done += try work()
            took = .now - begun
        }
        return Double(done) / took.seconds
    }
}
