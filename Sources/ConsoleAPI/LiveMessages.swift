// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import TelemetryBuffer

/// The event `tiles` of `GET /api/live`.
public struct TilesMessage: Codable, Hashable, Sendable {
    /// One service now.
    public struct Service: Codable, Hashable, Sendable {
        public let name: String
        /// Whether `/health` answers 200.
        public let healthy: Bool
        /// Null where there is none.
        public let pool: Pool?

        public init(name: String, healthy: Bool, pool: Pool?) {
            self.name = name
            self.healthy = healthy
            self.pool = pool
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(healthy, forKey: .healthy)
            try container.encode(pool, forKey: .pool)
        }
    }

    /// A service's pool of database connections.
    public struct Pool: Codable, Hashable, Sendable {
        public let active_connections: Int
        public let max_connections: Int
        public let waiting: Int

        public init(active_connections: Int, max_connections: Int, waiting: Int) {
            self.active_connections = active_connections
            self.max_connections = max_connections
            self.waiting = waiting
        }
    }

    /// Milliseconds since 1970, UTC.
    public let time: Int64
    /// Calls from outside, of the load generator and of the shop page.
    public let requests_per_minute: Double
    /// Of those, 0 to 1.
    public let error_rate: Double
    public let p95_ms: Double
    public let services: [Service]

    /// - Parameter now: Nanoseconds since 1970, UTC.
    public init(_ pulse: Pulse, services: [Service], now: UInt64) {
        time = Int64(clamping: now / 1_000_000)
        let minutes = now > pulse.since ? Double(now - pulse.since) / 60e9 : 0
        requests_per_minute = minutes > 0 ? (Double(pulse.requests) / minutes * 10).rounded() / 10 : 0
        error_rate = pulse.requests > 0 ? Double(pulse.errors) / Double(pulse.requests) : 0
        p95_ms = pulse.p95Milliseconds
        self.services = services
    }
}
