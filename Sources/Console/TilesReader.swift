public import ConsoleAPI
import FoundationEssentials
import HTTPClient
import HTTPTypes
public import ServiceTracing
public import ShopAPI
public import TelemetryBuffer

/// Reads what the tiles of `/control` show: how the shop looks from outside, and how each service is.
public struct TilesReader: Sendable {
    /// Whose calls are a shopper's.
    private static let callers: Set<String> = [
        ServiceName.loadGenerator.rawValue, ServiceName.console.rawValue,
    ]
    private static let window: UInt64 = 60_000_000_000

    private let traces: TraceReader
    private let prober: ServiceCaller
    private let clock: any TraceClock

    /// - Parameter prober: Records nothing, and waits for an answer no longer than a look may take.
    public init(traces: TraceReader, prober: ServiceCaller, clock: any TraceClock = SystemTraceClock()) {
        self.traces = traces
        self.prober = prober
        self.clock = clock
    }

    /// The last minute, and the services now.
    ///
    /// - Throws: The buffer's error when it cannot be read.
    public func tiles() async throws -> TilesMessage {
        let now = clock.wall
        async let services = services()
        let pulse = try await traces.pulse(of: Self.callers, since: now > Self.window ? now - Self.window : 0)
        return TilesMessage(pulse, services: await services, now: now)
    }

    private func services() async -> [TilesMessage.Service] {
        await withTaskGroup(of: TilesMessage.Service.self) { group in
            for service in ServiceName.allCases where service != .console {
                group.addTask { await look(at: service) }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.name < $1.name }
        }
    }

    private func look(at service: ServiceName) async -> TilesMessage.Service {
        struct Stats: Decodable {
            let pool: PoolStats.Pool?
        }
        async let health = try? prober.send(service, RequestPath(.get, "/health"), body: [])
        let stats = try? await prober.send(service, RequestPath(.get, "/stats"), body: [])
        let pool = stats.flatMap { try? JSON.decoder.decode(Stats.self, from: Data($0.body)) }?.pool
        return TilesMessage.Service(
            name: service.rawValue,
            healthy: await health?.status.code == 200,
            pool: pool.map {
                TilesMessage.Pool(
                    active_connections: $0.active_connections,
                    max_connections: $0.max_connections,
                    waiting: $0.waiting
                )
            }
        )
    }
}
