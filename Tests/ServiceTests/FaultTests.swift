import Commerce
import Faults
import ServiceKit
import ServiceTracing
import ShopAPI
import Storage
import Synchronization
import TestSupport
import Testing
import Tracing

@testable import AdService
@testable import CheckoutService
@testable import RecommendationService

@Suite(.timeLimit(.minutes(15)))
struct FaultTests {
    @Test("A cart store that refuses is 503 everywhere, and nothing is left of it when it is off")
    func cartOutage() async throws {
        try await ShopHarness.run { shop in
            try await shop.fillCart("c")
            try await shop.on(.cartOutage)
            let cart = try await shop.get(.cart, "/cart/c")
            #expect(cart.status == 503 && cart.code == "storage_unavailable" && cart.header("retry-after") != nil)
            #expect(try await shop.checkout("c").status == 502)
            #expect(try await shop.effect(.cartOutage, .cart)["errors"] == 2)
            try await shop.mode.reset()
            #expect(try await shop.checkout("c").status == 201)
        }
    }

    @Test("One product fails and no other")
    func catalogError() async throws {
        try await ShopHarness.run { shop in
            try await shop.on(.catalogError, strength: 4)
            let broken = try await shop.get(.productCatalog, "/products/4")
            #expect(broken.status == 500 && broken.code == "product_unreadable")
            #expect(try await shop.get(.productCatalog, "/products/5").status == 200)
            #expect(try await shop.get(.productCatalog, "/products").status == 200)
        }
    }

    @Test(
        "Of a hundred payments exactly the share is refused, the same ones for the same seed",
        arguments: [1, 30, 99]
    )
    func paymentSequence(_ percent: Int) {
        func refused(_ seed: UInt64) -> [UInt64] {
            (0..<1000).filter { PaymentRefusals.refuses($0, percent: percent, seed: seed) }
        }
        let once = refused(1)
        #expect(once == refused(1) && once != refused(2))
        for hundred in 0..<10 {
            #expect(once.filter { Int($0) / 100 == hundred }.count == percent)
        }
        let setting = FaultSetting(.paymentFailures, service: "checkout", strength: percent, setBy: .presenter)
        let refusals = PaymentRefusals(seed: 1)
        #expect((0..<1000).filter { _ in refusals.refusesNext(setting) }.count == once.count)
    }

    @Test("A refused payment is a 402 of the provider and of the checkout, and no order")
    func paymentFailures() async throws {
        try await ShopHarness.run { shop in
            try await shop.fillCart("c")
            try await shop.on(.paymentFailures, strength: 100)
            let answer = try await shop.checkout("c")
            #expect(answer.status == 402 && answer.code == "payment_declined")
            let span = try #require(shop.spans.named("POST /checkout").last)
            #expect(span.text("checkout.failure_reason") == "payment_declined")
            try await shop.mode.reset()
            #expect(try await shop.checkout("c").status == 201)
        }
    }

    @Test("A provider whose port is closed is a 502, and its client span says that nobody is there")
    func paymentUnreachable() async throws {
        try await ShopHarness.run { shop in
            try await shop.fillCart("c")
            try await shop.on(.paymentUnreachable)
            let answer = try await shop.checkout("c")
            #expect(answer.status == 502 && answer.code == "downstream_unreachable")
            let call = try #require(
                shop.spans.named("POST /payments/authorize").last { $0.kind == .client }
            )
            #expect(call.text("error.type") == "unreachable" && call.text("http.response.status_code") == nil)
            try await shop.mode.reset()
            #expect(try await shop.checkout("c").status == 201)
        }
    }

    @Test("N+1 is a call for the list and one for each in it; in a storm the cache is empty, and calls are as many")
    func recommendations() async throws {
        try await ShopHarness.run { shop in
            func calls() async throws -> Int {
                shop.spans.removeAll()
                let answer = try await shop.get(.recommendation, "/recommendations?user_id=u&category=sports")
                #expect(answer.status == 200)
                return shop.spans.named("GET /products/{id}").filter { $0.kind == .client }.count
            }
            func cache(_ field: String) async throws -> Double? {
                try await shop.get(.recommendation, "/stats").json["cache"][field].number
            }
            #expect(try await calls() == 0)
            // Three rules look up five products each, which the list has brought.
            #expect(try await cache("hits") == 15)
            #expect(try await cache("misses") == 0)
            try await shop.on(.nPlusOne)
            #expect(try await calls() == 5)
            let spans = shop.spans.named("GET /products/{id}").filter { $0.kind == .client }
            for (one, next) in zip(spans, spans.dropFirst()) { #expect(one.endTime <= next.startTime) }
            try await shop.mode.reset()
            try await shop.on(.cacheMissStorm, strength: 12)
            let hits = try await cache("hits")
            #expect(try await calls() == 12)
            #expect(try await cache("hits") == hits)
            #expect(try await cache("misses") == 15)
            #expect(try await cache("entries") == 0)
            try await shop.mode.reset()
            #expect(try await calls() == 0)
        }
    }

    @Test("Quotes abroad are slow in a span of their own, and those at home are not")
    func shipping() async throws {
        try await ShopHarness.run { shop in
            try await shop.on(.shippingLatency, strength: 80)
            _ = try await shop.post(.shipping, "/calculate", #"{"destination":"domestic"}"#)
            #expect(shop.spans.named("ask the customs broker").isEmpty)
            _ = try await shop.post(.shipping, "/calculate", #"{"destination":"international"}"#)
            let span = try #require(shop.spans.named("ask the customs broker").first)
            #expect(span.milliseconds >= 80 && span.text("popshop.fault") == "shipping-latency")
        }
    }

    @Test("Ads burn as much of a core as they are told, in a span of their own")
    func adCPU() async throws {
        try await ShopHarness.run { shop in
            try await shop.on(.adCPU, strength: 60)
            #expect(try await shop.get(.ad, "/ads").status == 200)
            let span = try #require(shop.spans.named("rank ads").first)
            #expect(span.milliseconds >= 60 && (span.int("ad.rankings") ?? 0) > 0)
        }
    }

    @Test("Mode, scenario and presenter keep their own switches of one fault")
    func hands() async throws {
        try await ShopHarness.run { shop in
            func strength() async throws -> Int? { try await shop.mode.settings()[.slowQueries, "checkout"]?.strength }
            func set(
                _ origin: FaultOrigin,
                _ strength: Int,
                duration: Double? = nil,
                now: Int64 = LiveFaults.milliseconds
            )
                async throws -> [FaultSetting]
            {
                let settings = try FaultSetting.checked(
                    .slowQueries,
                    services: ["checkout"],
                    strength: strength,
                    duration: duration,
                    setBy: origin,
                    now: now
                )
                try await shop.mode.set(settings)
                return settings
            }
            try await shop.mode.setMode(.blackfriday)
            let mode = try await shop.mode.settings().all
            // A presenter's that has ended by itself, and a scenario's that is stopped, leave the mode as it is.
            _ = try await set(.presenter, 7, duration: 0.1, now: LiveFaults.milliseconds - 1000)
            #expect(try await shop.mode.settings().all == mode)
            let scenario = try await set(.scenario, 5)
            #expect(try await strength() == 5)
            _ = try await set(.presenter, 9)
            #expect(try await strength() == 9)
            // The mode that goes takes its own.
            try await shop.mode.setMode(.normal)
            #expect(try await strength() == 9)
            try await shop.mode.clear(scenario)
            #expect(try await strength() == 9)
            try await shop.mode.clear(.slowQueries, services: nil)
            #expect(try await shop.mode.settings().isEmpty)
        }
    }

    @Test("No ad burns on after the switch is off, nor when its request is given up")
    func adCPUEnds() async {
        let furnace = Furnace()
        let fault = Switch()
        async let first = furnace.burn(milliseconds: 60_000) { fault.isOn.withLock { $0 } }
        async let queued = furnace.burn(milliseconds: 60_000) { fault.isOn.withLock { $0 } }
        fault.isOn.withLock { $0 = false }
        _ = await first
        #expect(await queued == 0)
        let given = Task { await furnace.burn(milliseconds: 60_000) { true } }
        given.cancel()
        _ = await given.value
    }

    @Test("Memory grows a MiB a request up to its bound, and is given back")
    func memory() {
        let hoard = MemoryHoard()
        let grown = (0..<10).filter { _ in hoard.grow(upTo: 4) }
        #expect(grown.count == 4 && hoard.mebibytes == 4)
        hoard.empty()
        #expect(hoard.mebibytes == 0)
    }

    @Test("The contract's switches set the service that they are asked of, and no other")
    func contract() async throws {
        try await ShopHarness.run { shop in
            func all() async throws -> [String] {
                try await shop.mode.settings().all.map {
                    "\($0.service) \($0.name.rawValue) \($0.option ?? "") \($0.strength ?? 0)"
                }
            }
            for (service, path, body) in [
                (ServiceName.productCatalog, "/admin/simulate-slow-queries", #"{"duration_ms":5}"#),
                (.checkout, "/demo/enable-slow-queries", ""),
                (.productCatalog, "/admin/simulate-pool-exhaustion", #"{"connections":3}"#),
                (.checkout, "/demo/simulate-pool-exhaustion", "{}"),
            ] {
                let answer = try await shop.post(service, path, body)
                #expect(answer.status == 200 && answer.json["status"] == "success", "\(path)")
            }
            #expect(
                try await all() == [
                    "checkout slow-queries sleep 2900", "product-catalog slow-queries sleep 5",
                    "checkout pool-exhaustion connections 20", "product-catalog pool-exhaustion connections 3",
                ]
            )
            let long = try await shop.post(.productCatalog, "/admin/simulate-slow-queries", #"{"duration_ms":10001}"#)
            #expect(long.status == 422)
            let word = try await shop.post(.checkout, "/demo/enable-slow-queries", #"{"delay_ms":"long"}"#)
            #expect(word.status == 400)
            #expect(try await shop.post(.checkout, "/demo/reset").status == 200)
            #expect(try await all().allSatisfy { $0.hasPrefix("product-catalog") })
            #expect(try await shop.post(.productCatalog, "/admin/disable-slow-queries").status == 200)
            #expect(try await shop.post(.productCatalog, "/admin/release-connections").status == 200)
            #expect(try await all() == [])
        }
    }

    @Test("A slow query is slow for who buys and not for who watches, and is told in /stats")
    func slowQueries() async throws {
        try await ShopHarness.run { shop in
            try await shop.on(.slowQueries, strength: 60)
            #expect(try await shop.get(.productCatalog, "/products/1").status == 200)
            let statement = try #require(shop.spans.named("SELECT products").last)
            #expect(statement.milliseconds >= 60 && statement.attributes["db.slow_query"] == .bool(true))
            #expect(try await shop.get(.productCatalog, "/health").status == 200)
            let effect = try await shop.effect(.slowQueries, .productCatalog)
            #expect(effect["requests"] == 1 && (effect["milliseconds"].number ?? 0) >= 60 && effect["errors"] == 0)
        }
    }

    @Test("A mode switches its faults on and off, and nothing that somebody else has switched on")
    func modes() async throws {
        try await ShopHarness.run { shop in
            try await shop.on(.cartOutage)
            try await shop.mode.setMode(.blackfriday)
            #expect(try await shop.mode.settings().all.map(\.setBy) == [.mode, .mode, .presenter])
            #expect(try await shop.get(.ad, "/stats").json["mode"] == "blackfriday")
            try await shop.mode.setMode(.normal)
            #expect(try await shop.mode.settings().all.map(\.name) == [.cartOutage])
            try await shop.mode.setMode(.blackfriday)
            try await shop.mode.reset()
            #expect(try await shop.mode.settings().isEmpty)
            #expect(try await shop.mode.mode() == .normal)
        }
    }

    @Test("Another process on the same store has what was set; a starting mode undoes nothing that was set live")
    func followers() async throws {
        try await ShopHarness.run { shop in
            let other = DemoModeFollower(shop.database)
            try await other.setModeIfNone(.blackfriday)
            #expect(try await shop.mode.mode() == .blackfriday)
            try await shop.mode.setMode(.normal)
            try await other.setModeIfNone(.blackfriday)
            #expect(other.mode == .normal)
            try await shop.on(.adCPU)
            try await other.refresh()
            #expect(other.live[.adCPU, "ad"] != nil)
        }
    }
}

private final class Switch: Sendable {
    let isOn = Mutex(true)
}

extension ShopHarness {
    fileprivate func on(_ name: FaultName, strength: Int? = nil) async throws {
        try await mode.set(FaultSetting.checked(name, strength: strength, setBy: .presenter, now: 0))
    }

    fileprivate func fillCart(_ cart: String) async throws {
        let answer = try await post(.cart, "/cart/\(cart)/add", #"{"product_id":2}"#)
        #expect(answer.status == 200)
    }

    fileprivate func checkout(_ cart: String) async throws -> HTTPAnswer {
        try await post(.checkout, "/checkout", #"{"cart_id":"\#(cart)","user_id":"user-1"}"#)
    }

    /// What the service says its fault has done.
    fileprivate func effect(_ name: FaultName, _ service: ServiceName) async throws -> JSONValue {
        try await get(service, "/stats").json["faults"][name.rawValue]
    }
}

extension SpanData {
    fileprivate var milliseconds: Double { Double(endTime - startTime) / 1e6 }
}
