import Commerce
import Faults
import HTTPClient
import HTTPTypes
import ShopAPI
import Testing

@Suite(.timeLimit(.minutes(15)))
struct FaultRouteTests {
    @Test("The console shows every fault, switches it, and says what the services say it has done")
    func faults() async throws {
        try await EdgeShop.run { shop in
            let list = try await shop.get(.console, "/api/faults").json(FaultList.self)
            #expect(list.mode == "normal" && list.faults.map(\.name) == FaultRegistry.all.map(\.name.rawValue))
            #expect(list.faults.allSatisfy { !$0.on && $0.observed.requests == 0 })

            let body = #"{"name":"catalog-error","on":true,"strength":7,"duration_seconds":600}"#
            let on = try await shop.post(.console, "/api/faults", body).json(FaultMessage.self)
            #expect(on.on && on.current_strength == 7 && on.set_by == "presenter")
            #expect((590...600).contains(on.seconds_left ?? 0))
            #expect(try await shop.get(.productCatalog, "/products/7").status.code == 500)
            #expect(try await shop.get(.productCatalog, "/products/8").status.code == 200)

            // What was counted is asked for anew within a second.
            var observed = 0
            while observed == 0 {
                let faults = try await shop.get(.console, "/api/faults").json(FaultList.self).faults
                observed = faults.first { $0.name == "catalog-error" }?.observed.errors ?? 0
            }
            #expect(observed == 1)
            let off = try await shop.post(.console, "/api/faults", #"{"name":"catalog-error","on":false}"#)
            #expect(try off.json(FaultMessage.self).on == false)
            #expect(try await shop.get(.productCatalog, "/products/7").status.code == 200)
        }
    }

    @Test("A mistake is named, and changes nothing")
    func mistakes() async throws {
        try await EdgeShop.run { shop in
            _ = try await shop.post(.console, "/api/faults", #"{"name":"ad-cpu","on":true,"strength":5}"#)
            for (body, status, code) in [
                (#"{"name":"gremlins","on":true}"#, 400, "unknown_fault"),
                (#"{"name":"ad-cpu"}"#, 400, "missing_field"),
                (#"{"on":true}"#, 400, "missing_field"), (#"{"name":"ad-cpu","on":"yes"}"#, 400, "wrong_type"),
                (#"{"name":"ad-cpu","on":true,"strength":2001}"#, 422, "out_of_range"),
                (#"{"name":"ad-cpu","on":true,"strength":0}"#, 422, "out_of_range"),
                (#"{"name":"ad-cpu","on":true,"strength":"5"}"#, 400, "wrong_type"),
                (#"{"name":"ad-cpu","on":true,"option":"nap"}"#, 400, "unknown_option"),
                (#"{"name":"ad-cpu","on":true,"services":["cart"]}"#, 400, "unknown_service"),
                (#"{"name":"ad-cpu","on":true,"duration_seconds":-1}"#, 422, "out_of_range"),
                (#"{"name":"cart-outage","on":true,"strength":1}"#, 422, "out_of_range"),
            ] {
                let answer = try await shop.post(.console, "/api/faults", body)
                let error = try answer.json(ErrorMessage.self)
                #expect(answer.status.code == status && error.code == code, "\(body): \(error.error)")
            }
            #expect(try await shop.post(.console, "/api/mode", #"{"mode":"loud"}"#).status.code == 400)
            let list = try await shop.get(.console, "/api/faults").json(FaultList.self)
            #expect(list.mode == "normal")
            #expect(list.faults.filter(\.on).map(\.name) == ["ad-cpu"])
            #expect(list.faults.first { $0.name == "ad-cpu" }?.current_strength == 5)
        }
    }

    @Test("A mode is live in every service at once, and a reset gives back every connection")
    func mode() async throws {
        try await EdgeShop.run { shop in
            let answer = try await shop.post(.console, "/api/mode", #"{"mode":"blackfriday"}"#)
            #expect(try answer.json(ModeAnswer.self).mode == "blackfriday")
            var modes = try await shop.get(.loadGenerator, "/admin/demo-mode").json(DemoModes.self)
            #expect(modes.mode == .blackfriday && modes.services.count == 8)
            #expect(!modes.services.values.contains("normal"))
            // On a busy machine a service may not answer within the second that it is given.
            while modes.services.values.contains("unknown") {
                modes = try await shop.get(.loadGenerator, "/admin/demo-mode").json(DemoModes.self)
            }
            #expect(modes.services.values.allSatisfy { $0 == "blackfriday" })
            func held() async throws -> Int {
                try await shop.get(.checkout, "/admin/pool-stats").json(PoolStats.self).pool_stats.active_connections
            }
            while try await held() < 20 {}
            let reset = try await shop.post(.console, "/api/faults/reset").json(FaultList.self)
            #expect(reset.mode == "normal" && !reset.faults.contains(where: \.on))
            while try await held() > 0 {}
        }
    }

    @Test("Network loss is the uplink's own switch, whichever of the two is used")
    func network() async throws {
        try await EdgeShop.run { shop in
            func isOn() async throws -> Bool? {
                try await shop.get(.console, "/api/faults").json(FaultList.self).faults
                    .first { $0.name == "network-loss" }?.on
            }
            _ = try await shop.post(.console, "/api/network", #"{"online":false}"#)
            #expect(try await isOn() == true)
            _ = try await shop.post(.console, "/api/faults", #"{"name":"network-loss","on":false}"#)
            #expect(try await isOn() == false)
            _ = try await shop.post(.console, "/api/faults", #"{"name":"network-loss","on":true}"#)
            #expect(try await isOn() == true)
            _ = try await shop.post(.console, "/api/network", #"{"online":true}"#)
            #expect(try await isOn() == false)
        }
    }
}
