import Commerce
public import ConsoleAPI
public import Faults
import Hummingbird
public import ServiceKit
public import ShopAPI

/// The fault switches and the demo mode, as the console's pages and scripts use them.
public struct FaultController: Sendable {
    private let control: any FaultControl
    private let survey: FaultSurvey
    private let sync: any SyncControl

    /// - Parameter sync: What `network-loss` pulls the plug of.
    public init(mode control: any FaultControl, survey: FaultSurvey, sync: any SyncControl) {
        self.control = control
        self.survey = survey
        self.sync = sync
    }

    /// Adds the routes.
    public func addRoutes(to router: ServiceRouter) {
        router.get("/api/faults") { _, _ in try .json(try await list()) }
        router.postAdmin("/api/faults") { request, _ in
            try .json(try await change(request.decode(FaultRequest.self)))
        }
        router.postAdmin("/api/faults/reset") { request, _ in
            _ = try await request.decode([String: JSONValue].self)
            try await control.reset()
            await sync.setSwitchedOff(false)
            return try .json(try await list())
        }
        router.postAdmin("/api/mode") { request, _ in
            let mode = try await request.decode(DemoModeRequest.self).mode
            try await control.setMode(mode)
            return try .json(ModeAnswer(mode.rawValue))
        }
    }

    /// Every fault now.
    ///
    /// - Throws: `StorageError`.
    public func list() async throws -> FaultList {
        let mode = try await control.mode()
        let settings = try await control.settings()
        let effects = await survey.effects()
        let isOffline = await sync.status().isSwitchedOff
        return FaultList(
            mode: mode.rawValue,
            faults: FaultRegistry.all.map { fault in
                FaultMessage(fault, settings[fault.name], effects[fault.name] ?? FaultEffect(), isOffline: isOffline)
            }
        )
    }

    private func change(_ request: FaultRequest) async throws -> FaultMessage {
        let name = try FaultName(checking: request.name)
        // Checked also where it is switched off: a mistake is a mistake.
        let settings = try FaultSetting.checked(
            name,
            services: request.services,
            strength: request.strength,
            option: request.option,
            duration: request.duration_seconds,
            setBy: .presenter,
            now: LiveFaults.milliseconds
        )
        if request.on {
            try await control.set(settings)
        } else {
            try await control.clear(name, services: request.services)
        }
        if name == .networkLoss { await sync.setSwitchedOff(request.on) }
        guard let message = try await list().faults.first(where: { $0.name == name.rawValue }) else {
            throw FaultError.unknownFault(request.name)
        }
        return message
    }
}

extension FaultMessage {
    init(_ fault: Fault, _ settings: [FaultSetting], _ effect: FaultEffect, isOffline: Bool) {
        let latest = settings.max { ($0.until ?? .max) < ($1.until ?? .max) }
        let strength = fault.strength(of: latest?.option ?? fault.options.first?.name)
        // The uplink has a switch of its own beside this one: what counts is whether it is off.
        let isUplink = fault.name == .networkLoss
        self.init(
            name: fault.name.rawValue,
            title: fault.title,
            services: fault.services,
            strength: strength.map {
                Strength(unit: $0.unit, minimum: $0.minimum, maximum: $0.maximum, default: $0.default)
            },
            options: fault.options.map(\.name),
            what_to_see: fault.whatToSee,
            active_in: isUplink ? (isOffline ? fault.services : []) : settings.map(\.service),
            current_strength: settings.compactMap(\.strength).max(),
            option: latest?.option,
            seconds_left: latest?.until.map { until in
                max(0, Double(until - LiveFaults.milliseconds) / 1000)
            },
            set_by: latest?.setBy.rawValue ?? (isUplink && isOffline ? FaultOrigin.presenter.rawValue : nil),
            observed: Observed(
                window_seconds: FaultEffect.seconds,
                requests: effect.requests,
                milliseconds: (effect.milliseconds * 10).rounded() / 10,
                errors: effect.errors
            )
        )
    }
}
