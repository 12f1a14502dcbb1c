import Commerce
import Faults
import Testing

struct RegistryTests {
    @Test("Every fault has one definition that holds together", arguments: FaultName.allCases)
    func definitions(_ name: FaultName) {
        #expect(FaultRegistry.all.filter { $0.name == name }.count == 1)
        let fault = FaultRegistry[name]
        #expect(!fault.title.isEmpty && !fault.whatToSee.isEmpty && !fault.services.isEmpty)
        for option in fault.options.map({ Optional($0.name) }) + [nil] {
            guard let strength = fault.strength(of: option) else { continue }
            #expect(strength.range.contains(strength.default))
        }
    }

    @Test("A mode is made of settings that anybody could set", arguments: DemoMode.allCases)
    func modes(_ mode: DemoMode) throws {
        let settings = FaultRegistry.settings(of: mode)
        #expect(settings.isEmpty == (mode == .normal))
        for setting in settings {
            let checked = try FaultSetting.checked(
                setting.name,
                services: [setting.service],
                strength: setting.strength,
                option: setting.option,
                setBy: .mode,
                now: 0
            )
            #expect(checked == [setting])
        }
    }

    @Test("Black Friday is a slow catalog, and a checkout without connections for 45 of a hundred")
    func blackFriday() {
        let set = FaultSet(FaultRegistry.settings(of: .blackfriday))
        #expect(set[.slowQueries, "product-catalog"]?.strength == 1000)
        #expect(set[.slowQueries, "checkout"] == nil)
        #expect(set[.poolExhaustion, "checkout"]?.strength == 45)
        #expect(set[.poolExhaustion, "checkout"]?.option == "share")
    }
}

struct SettingTests {
    @Test("What is not said is the definition's default, in every service it acts in")
    func defaults() throws {
        let settings = try FaultSetting.checked(.slowQueries, setBy: .presenter, now: 0)
        #expect(settings.map(\.service) == ["product-catalog", "checkout"])
        #expect(settings.allSatisfy { $0.strength == 700 && $0.option == "sleep" && $0.until == nil })
        let scan = try FaultSetting.checked(.slowQueries, option: "scan", setBy: .presenter, now: 0)
        #expect(scan.allSatisfy { $0.strength == 500_000 })
    }

    @Test("What cannot be is refused by name")
    func refusals() {
        #expect(throws: FaultError.unknownFault("gremlins")) { try FaultName(checking: "gremlins") }
        func check(
            _ name: FaultName,
            services: [String]? = nil,
            strength: Int? = nil,
            option: String? = nil,
            duration: Double? = nil
        ) throws {
            _ = try FaultSetting.checked(
                name,
                services: services,
                strength: strength,
                option: option,
                duration: duration,
                setBy: .presenter,
                now: 0
            )
        }
        #expect(throws: FaultError.unknownService(.adCPU, "cart")) { try check(.adCPU, services: ["cart"]) }
        #expect(throws: FaultError.unknownOption(.slowQueries, "nap")) { try check(.slowQueries, option: "nap") }
        #expect(throws: FaultError.noStrength(.cartOutage)) { try check(.cartOutage, strength: 1) }
        for strength in [0, 10_001] {
            #expect(throws: FaultError.strengthOutOfRange(.slowQueries, 1...10_000, unit: "ms")) {
                try check(.slowQueries, strength: strength)
            }
        }
        // A scan counts rows.
        #expect(throws: FaultError.self) { try check(.slowQueries, strength: 700, option: "scan") }
        #expect(throws: FaultError.durationOutOfRange) { try check(.cartOutage, duration: 0) }
    }

    @Test("Settings are stored row by row, and come back as they were")
    func rows() throws {
        let settings =
            try FaultSetting.checked(.slowQueries, strength: 5, duration: 2, setBy: .scenario, now: 1000)
            + FaultSetting.checked(.cartOutage, setBy: .presenter, now: 0)
        let rows = try DemoState.rows(settings)
        #expect(rows.count == 3 && rows.keys.allSatisfy { $0.hasPrefix(DemoState.prefix) })
        var stored = rows.compactMapValues { $0 }
        stored[DemoState.modeRow] = "blackfriday"
        stored["demo_fault/future/ad"] = #"{"name":"future"}"#
        let state = DemoState(rows: stored)
        #expect(state == DemoState(mode: .blackfriday, faults: FaultSet(settings)))
        #expect(state.faults[.slowQueries].allSatisfy { $0.until == 3000 })
        #expect(Set(DemoState.removal(of: settings).keys).isSuperset(of: rows.keys))
    }

    @Test(
        "What several hands have set is kept for each, and the presenter's acts before a scenario's, and that before a mode's"
    )
    func layers() throws {
        func setting(_ origin: FaultOrigin, _ strength: Int, until: Int64? = nil) -> FaultSetting {
            FaultSetting(.slowQueries, service: "checkout", strength: strength, until: until, setBy: origin)
        }
        let settings = [setting(.presenter, 3, until: 1000), setting(.mode, 1), setting(.scenario, 2)]
        let state = DemoState(rows: try DemoState.rows(settings).compactMapValues { $0 })
        #expect(Set(state.layers) == Set(settings))
        func acting(_ state: DemoState) -> Int? { state.faults[.slowQueries, "checkout"]?.strength }
        #expect(acting(state.current(at: 999)) == 3 && acting(state.current(at: 1000)) == 2)
        #expect(acting(DemoState(mode: .normal, layers: [settings[1]])) == 1)
        // A row of an earlier version is read, and goes with its setting.
        let old = ["demo_fault/slow-queries/checkout": #"{"name":"slow-queries","service":"checkout","setBy":"mode"}"#]
        #expect(DemoState(rows: old).layers.count == 1)
        #expect(DemoState.removal(of: .slowQueries, in: "checkout").keys.contains("demo_fault/slow-queries/checkout"))
    }
}

struct LiveFaultsTests {
    @Test("A fault whose time has come is off by itself, and those that watch are told")
    func ends() async {
        let live = LiveFaults()
        let now = LiveFaults.milliseconds
        func setting(_ until: Int64?) -> FaultSetting {
            FaultSetting(.cartOutage, service: "cart", until: until, setBy: .presenter)
        }
        var seen = live.changes().makeAsyncIterator()
        let before = await seen.next()
        #expect(before == FaultSet())
        live.update(DemoState(faults: FaultSet([setting(now + 3_600_000)])))
        #expect(live[.cartOutage, "cart"] != nil)
        let during = await seen.next()
        #expect(during?.all.count == 1)
        live.update(DemoState(faults: FaultSet([setting(now - 1)])))
        #expect(live[.cartOutage, "cart"] == nil)
        let after = await seen.next()
        #expect(after == FaultSet())
    }

    @Test("What a fault did is counted by service and by fault")
    func effects() {
        let faults = ServiceFaults("ad", LiveFaults())
        #expect(faults.effects.isEmpty)
        faults.count(.adCPU, milliseconds: 20)
        faults.count(.adCPU, milliseconds: 30, isError: true)
        #expect(faults.effects == [.adCPU: FaultEffect(requests: 2, milliseconds: 50, errors: 1)])
    }
}
