import Commerce
import FoundationEssentials
import HTTPClient
import HTTPTypes
import ShopAPI

/// Asks each service which mode it runs in, all at once.
struct DemoModeSurvey: Sendable {
    /// What stands for the mode of a service that does not say.
    static let unknown = "unknown"

    let caller: ServiceCaller

    /// The modes by the services' names.
    func modes(of services: [ServiceName]) async -> [String: String] {
        await withTaskGroup(of: (ServiceName, String).self) { group in
            for service in services { group.addTask { (service, await mode(of: service)) } }
            return await group.reduce(into: [:]) { $0[$1.0.rawValue] = $1.1 }
        }
    }

    private func mode(of service: ServiceName) async -> String {
        struct Stats: Decodable {
            let mode: DemoMode
        }
        // Not /health, which looks at the database and is slow when that is.
        let response = try? await caller.send(service, RequestPath(.get, "/stats"), body: [])
        guard let response, let stats = try? JSON.decoder.decode(Stats.self, from: Data(response.body)) else {
            return Self.unknown
        }
        return stats.mode.rawValue
    }
}
