import ShopAPI
import Synchronization

/// What a service has answered since it started.
public final class RequestStatistics: Sendable {
    private struct Counts {
        var requests = 0
        var clientErrors = 0
        var serverErrors = 0
        var inFlight = 0
        var totalDuration = Duration.zero
        var slowest = Duration.zero
    }

    private let counts = Mutex(Counts())
    private let started = ContinuousClock.now

    init() {}

    func begin() {
        counts.withLock { $0.inFlight += 1 }
    }

    func end(status: Int, took duration: Duration) {
        counts.withLock { counts in
            counts.inFlight -= 1
            counts.requests += 1
            if status >= 500 { counts.serverErrors += 1 } else if status >= 400 { counts.clientErrors += 1 }
            counts.totalDuration += duration
            counts.slowest = max(counts.slowest, duration)
        }
    }

    /// Seconds since the service was made.
    var uptime: Double { (ContinuousClock.now - started).seconds }

    /// The fields that every `/stats` has.
    var fields: [String: JSONValue] {
        let counts = counts.withLock { $0 }
        let mean = counts.requests > 0 ? counts.totalDuration.seconds * 1000 / Double(counts.requests) : 0
        return [
            "uptime_seconds": .double(uptime.rounded(toPlaces: 1)),
            "requests": .int(counts.requests),
            "client_errors": .int(counts.clientErrors),
            "errors": .int(counts.serverErrors),
            // The one who asks is not counted.
            "in_flight": .int(max(0, counts.inFlight - 1)),
            "mean_ms": .double(mean.rounded(toPlaces: 3)),
            "slowest_ms": .double((counts.slowest.seconds * 1000).rounded(toPlaces: 3)),
        ]
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
