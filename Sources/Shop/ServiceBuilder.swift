import AdService
import CartService
import CatalogService
import CheckoutService
import Commerce
import ConnectionPool
import Console
import CurrencyService
import Faults
import Fixtures
import LoadGeneratorService
import Logging
import RecommendationService
import RedisClient
import RedisStorage
import SQLiteStorage
import ServiceKit
import ServiceLifecycle
import ServiceTracing
import ShippingService
import ShopAPI
import Storage
import Sync
import TelemetryBuffer

/// Builds each service from what the shop has opened.
struct ServiceBuilder {
    private let shop: Shop

    init(_ shop: Shop) {
        self.shop = shop
    }

    /// A service's server, and what runs beside it.
    func build(
        _ service: ServiceName,
        _ readiness: Readiness
    ) throws -> [any Service] {
        let (router, below, above) = try router(of: service, readiness)
        let server = buildApplication(
            router,
            at: shop.options.address(of: service),
            limits: shop.serverLimits,
            logger: shop.logger,
            onListening: { _ in await readiness.oneMore() }
        )
        return below + [server] + above
    }

    /// A service's routes, and what runs beside its server: that which ends after it, and that which ends before.
    func router(
        of service: ServiceName,
        _ readiness: Readiness
    ) throws -> (router: ServiceRouter, below: [any Service], above: [any Service]) {
        let tracer = shop.tracer(service.rawValue)
        let router = ServiceRouter(
            service,
            tracer: tracer,
            gate: AdminGate(token: shop.settings.adminToken),
            isLoopbackOnly: shop.options.address(of: service).isLoopback,
            isProbe: { route in
                switch service {
                case .console: ConsoleController.isProbe(route)
                case .loadGenerator: ScenarioController.isProbe(route)
                default: false
                }
            }
        )
        let (below, above) = try addRoutes(of: service, to: router, tracer, readiness)
        return (router, below, above)
    }

    private func addRoutes(
        of service: ServiceName,
        to router: ServiceRouter,
        _ tracer: ServiceTracer,
        _ readiness: Readiness
    ) throws -> (below: [any Service], above: [any Service]) {
        let mode = shop.mode
        switch service {
        case .productCatalog: return ([], addCatalog(to: router, tracer))
        case .checkout: return ([], try addCheckout(to: router, tracer))
        case .cart: return (addCart(to: router, tracer), [])
        case .recommendation: return ([], [addRecommendation(to: router, tracer)])
        case .currency: CurrencyController(rates: try SeedData.exchangeRates(), mode: mode).addRoutes(to: router)
        case .shipping: ShippingController(tariff: try SeedData.shippingTariff(), mode: mode).addRoutes(to: router)
        case .ad: AdController(ads: try SeedData.advertisements(), mode: mode).addRoutes(to: router)
        case .console: return ([], ConsoleBuilder(shop, router, tracer).build())
        case .loadGenerator: return ([], try addLoadGenerator(to: router, tracer, readiness))
        }
        return ([], [])
    }

    /// Carts in Redis go on in memory while it is away; what was held then is sent to it to the end.
    private func addCart(to router: ServiceRouter, _ tracer: ServiceTracer) -> [any Service] {
        let now: @Sendable () -> Int64 = { ShopDatabase.milliseconds }
        let catalog = CatalogClient(shop.caller(tracer))
        guard shop.settings.carts == .redis, let url = shop.settings.redisURL else {
            CartController(store: MemoryCartStore(now: now), catalog: catalog, mode: shop.mode).addRoutes(to: router)
            return []
        }
        let pool = RedisPool(RedisConfiguration(url: url), size: shop.settings.maximumConnections)
        let redis = RedisCartStore(pool, tracer: tracer, conventions: shop.settings.databaseConventions, now: now)
        let store = SteadyCartStore(redis, tracer: tracer, logger: shop.logger, now: now)
        CartController(store: store, catalog: catalog, mode: shop.mode).addRoutes(to: router)
        return [store]
    }

    /// The traffic begins when the whole shop takes requests, and not before.
    private func addLoadGenerator(
        to router: ServiceRouter,
        _ tracer: ServiceTracer,
        _ readiness: Readiness
    ) throws -> [any Service] {
        let book = try JourneyBook.fixture()
        let generator = LoadGenerator(
            book: book,
            caller: shop.shopperCaller(tracer),
            tracer: tracer,
            seed: shop.options.seed
        )
        LoadGeneratorController(
            generator: generator,
            mode: shop.mode,
            // Watching the mode must not fill the buffer with probes.
            prober: shop.caller(
                shop.tracer(ServiceName.loadGenerator.rawValue, sampler: .alwaysOff),
                timeout: .seconds(1)
            )
        ).addRoutes(to: router)
        let traffic = shop.options.trafficPerMinute
        let player = ScenarioPlayer(generator: generator, faults: shop.mode)
        ScenarioController(
            book: try ScenarioBook.fixture(book),
            generator: generator,
            player: player,
            startingTraffic: traffic
        ).addRoutes(to: router)
        readiness.then { generator.setBackgroundTraffic(requestsPerMinute: traffic) }
        return [generator, player]
    }

    private func addRecommendation(to router: ServiceRouter, _ tracer: ServiceTracer) -> any Service {
        let hoard = MemoryHoard()
        RecommendationController(catalog: CatalogClient(shop.caller(tracer)), mode: shop.mode, hoard: hoard)
            .addRoutes(to: router)
        return FaultTask(.memoryGrowth, in: shop.mode.faults(of: router.service.rawValue)) { _ in
            await Task.untilCancelled()
            hoard.empty()
        }
    }

    private func addCatalog(to router: ServiceRouter, _ tracer: ServiceTracer) -> [any Service] {
        let stores = stores(.productCatalog, tracer)
        CatalogController(store: stores.catalog, mode: shop.mode, pool: stores.pool).addRoutes(to: router)
        return databaseFaults(.productCatalog, stores)
    }

    /// What empties a service's pool, and what grows the table that its slow queries scan.
    private func databaseFaults(_ service: ServiceName, _ stores: ServiceStores) -> [any Service] {
        let (faults, table, logger) = (shop.mode.faults(of: service.rawValue), shop.backend.scanTable, shop.logger)
        let exhaustion = PoolExhaustion(stores.leases)
        return [
            FaultTask(.poolExhaustion, in: faults) { setting in await exhaustion.act(setting) },
            FaultTask(.slowQueries, in: faults) { setting in
                guard setting.option == "scan", let rows = setting.strength else { return }
                do {
                    try await table.resizeScanTable(to: rows)
                    await Task.untilCancelled()
                } catch is CancellationError {
                } catch {
                    logger.error("The table to scan cannot be grown", metadata: ["error": "\(error)"])
                }
                // Another service may still be scanning it.
                guard !faults.live.demo.faults[.slowQueries].contains(where: { $0.option == "scan" }) else { return }
                try? await Task { try await table.resizeScanTable(to: 0) }.value
            },
        ]
    }

    private func addCheckout(to router: ServiceRouter, _ tracer: ServiceTracer) throws -> [any Service] {
        let faults = shop.mode.faults(of: router.service.rawValue)
        let stores = stores(.checkout, tracer)
        CheckoutController(
            store: stores.orders,
            purchase: Purchase(
                services: Purchase.Services(shop.caller(tracer), faults: faults),
                products: stores.catalog,
                store: stores.orders,
                edgeID: shop.backend.edgeID,
                restocks: shop.options.restocks,
                now: { ShopDatabase.milliseconds }
            ),
            provider: PaymentProvider(rules: try SeedData.paymentRules(), faults: faults, seed: shop.options.seed),
            mode: shop.mode,
            pool: stores.pool
        ).addRoutes(to: router)
        return databaseFaults(.checkout, stores)
    }

    /// Who waits for a connection waits less than a caller waits for an answer, so that it is the pool that is seen to
    /// fail.
    private static let acquireTimeout = Duration.seconds(2)

    private func stores(_ service: ServiceName, _ tracer: ServiceTracer) -> ServiceStores {
        shop.backend.stores(
            shop.mode.faults(of: service.rawValue),
            PoolConfiguration(size: shop.settings.maximumConnections, acquireTimeout: Self.acquireTimeout),
            tracer
        )
    }
}
