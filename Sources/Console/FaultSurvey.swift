public import Faults
import FoundationEssentials
import HTTPClient
import HTTPTypes
public import ShopAPI

/// Asks the services what their faults have done in the last minute: over HTTP, untraced, and at most once in a while,
/// however many pages are open.
public actor FaultSurvey {
    private static let validity = Duration.milliseconds(800)
    /// Those in which faults act, but for the console itself.
    private static let services = Set(FaultRegistry.all.flatMap(\.services)).compactMap { name in
        ServiceName(rawValue: name).flatMap { $0 == .console ? nil : $0 }
    }

    private let caller: ServiceCaller
    private let own: ServiceFaults
    private var last: (at: ContinuousClock.Instant, effects: [FaultName: FaultEffect])?

    /// - Parameters:
    ///   - caller: One that records nothing, with a short time-out.
    ///   - own: Of the console.
    public init(caller: ServiceCaller, own: ServiceFaults) {
        self.caller = caller
        self.own = own
    }

    /// What each has done, in all services together. One that does not answer is left out.
    func effects() async -> [FaultName: FaultEffect] {
        if let last, last.at + Self.validity > .now { return last.effects }
        var effects = own.effects
        for part in await Self.surveyed(by: caller) { effects.merge(part) { $0 + $1 } }
        last = (.now, effects)
        return effects
    }

    /// All services at once.
    private static func surveyed(by caller: ServiceCaller) async -> [[FaultName: FaultEffect]] {
        await withTaskGroup(of: [FaultName: FaultEffect].self) { group in
            for service in services { group.addTask { await effects(of: service, caller) } }
            var parts: [[FaultName: FaultEffect]] = []
            for await part in group { parts.append(part) }
            return parts
        }
    }

    private static func effects(of service: ServiceName, _ caller: ServiceCaller) async -> [FaultName: FaultEffect] {
        struct Stats: Decodable {
            let faults: [String: FaultEffect]
        }
        let response = try? await caller.send(service, RequestPath(.get, "/stats"), body: [])
        guard let response, let stats = try? JSON.decoder.decode(Stats.self, from: Data(response.body)) else {
            return [:]
        }
        return Dictionary(
            stats.faults.compactMap { name, effect in FaultName(rawValue: name).map { ($0, effect) } }
        ) { first, _ in first }
    }
}
