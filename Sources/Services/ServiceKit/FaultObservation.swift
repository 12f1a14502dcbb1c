import Commerce
public import Faults
import HTTPTypes
public import ServiceTracing
public import ShopAPI
import Tracing

extension ServiceRouter {
    /// Adds `/health`, `/health/live` and `/stats` as every service has them that follows the demo mode: `/stats` says
    /// the mode and what each fault has done in the last minute.
    public func addObservation(
        of mode: DemoModeFollower,
        health: @escaping @Sendable () async throws -> [String: JSONValue] = { [:] },
        stats: @escaping @Sendable () async throws -> [String: JSONValue]
    ) {
        let faults = mode.faults(of: service.rawValue)
        addObservation(
            health: {
                try faults.checkReadiness()
                var fields = try await health()
                fields["mode"] = .string(mode.mode.rawValue)
                return fields
            },
            stats: {
                var fields = try await stats()
                fields["mode"] = .string(mode.mode.rawValue)
                fields["faults"] = faults.json
                return fields
            }
        )
    }

    /// Adds `POST path`, behind the admin token, that switches every fault of this service off.
    public func postFaultReset(_ path: String, _ control: DemoModeFollower) {
        let service = service.rawValue
        postAdmin(path) { request, _ in
            try await request.readNothing()
            for setting in try await control.settings().all where setting.service == service {
                try await control.clear(setting.name, services: [service])
            }
            return try .json(FaultAnswer("Every fault of \(service) is off."))
        }
    }
}

extension DemoModeFollower {
    /// Switches a fault on in one service, for as long as nobody switches it off.
    ///
    /// - Throws: `FaultError`, `StorageError`.
    public func set(_ name: FaultName, in service: ServiceName, strength: Int?, option: String) async throws {
        try await set(
            FaultSetting.checked(
                name,
                services: [service.rawValue],
                strength: strength,
                option: option,
                setBy: .presenter,
                now: LiveFaults.milliseconds
            )
        )
    }
}

extension ServiceFaults {
    /// Half the time, by the clock of the wall so that all replicas agree, a service with `readiness-flap` is not ready.
    fileprivate func checkReadiness() throws(ServiceError) {
        guard let setting = self[.readinessFlap], let seconds = setting.strength else { return }
        guard LiveFaults.milliseconds / 1000 / Int64(max(1, seconds)) % 2 == 0 else { return }
        count(.readinessFlap, isError: true)
        throw ServiceError(
            .serviceUnavailable,
            "not_ready",
            "The service says in turns that it is ready and that it is not."
        )
    }

    /// What each has done, by its name.
    fileprivate var json: JSONValue {
        .object(
            Dictionary(
                effects.map { name, effect in
                    let fields: [String: JSONValue] = [
                        "requests": .int(effect.requests),
                        "milliseconds": .double(effect.milliseconds.rounded(toPlaces: 1)),
                        "errors": .int(effect.errors),
                    ]
                    return (name.rawValue, .object(fields))
                }
            ) { first, _ in first }
        )
    }

    /// On the span where a fault acts.
    public func mark(_ span: RecordedSpan?, _ name: FaultName) {
        span?.set(["popshop.fault": .string(name.rawValue), "demo.mode": .string(live.mode.rawValue)])
    }
}
