import AdService
import CartService
import CatalogService
import CheckoutService
import Commerce
import ConnectionPool
import CurrencyService
import Fixtures
import HTTPClient
import RecommendationService
import SQLiteStorage
import ServiceKit
import ServiceTracing
import ShippingService
import ShopAPI
import Storage

/// Starts the harness's services one after the other, each knowing where those before it listen.
struct HarnessBuilder {
    private let options: ShopHarness.Options
    private let database: ShopDatabase
    private let mode: DemoModeFollower
    private let client: CurlClient
    private let spans: SpanCollector
    private var urls = ServiceURLs()

    init(
        _ options: ShopHarness.Options,
        _ database: ShopDatabase,
        _ mode: DemoModeFollower,
        _ client: CurlClient,
        _ spans: SpanCollector
    ) {
        self.options = options
        self.database = database
        self.mode = mode
        self.client = client
        self.spans = spans
        for (service, url) in options.elsewhere { urls[service] = url }
    }

    mutating func start(_ service: ServiceName) async throws -> RunningService {
        let tracer = ServiceTracer(service.rawValue, spans)
        let router = ServiceRouter(service, tracer: tracer, gate: AdminGate(token: options.adminToken))
        try addRoutes(of: service, to: router, tracer)
        let running = try await RunningService(router)
        if options.elsewhere[service] == nil { urls[service] = running.url }
        return running
    }

    private func addRoutes(of service: ServiceName, to router: ServiceRouter, _ tracer: ServiceTracer) throws {
        let caller = ServiceCaller(transport: client, tracer: tracer, urls: urls, timeout: options.callTimeout)
        switch service {
        case .productCatalog: addCatalog(to: router, tracer)
        case .checkout: try addCheckout(to: router, tracer, caller)
        case .cart:
            let store = MemoryCartStore(now: { ShopDatabase.milliseconds })
            CartController(store: store, catalog: CatalogClient(caller), mode: mode).addRoutes(to: router)
        case .recommendation:
            RecommendationController(catalog: CatalogClient(caller), mode: mode).addRoutes(to: router)
        case .currency: CurrencyController(rates: try SeedData.exchangeRates(), mode: mode).addRoutes(to: router)
        case .shipping: ShippingController(tariff: try SeedData.shippingTariff(), mode: mode).addRoutes(to: router)
        case .ad: AdController(ads: try SeedData.advertisements(), mode: mode).addRoutes(to: router)
        case .loadGenerator, .console: break
        }
    }

    private func addCatalog(to router: ServiceRouter, _ tracer: ServiceTracer) {
        let readers = database.readers("product-catalog", options.pool)
        CatalogController(
            store: SQLiteCatalogStore(
                database: database,
                readers: readers,
                tracer: tracer,
                faults: mode.faults(of: "product-catalog")
            ),
            mode: mode,
            pool: { Self.pool(readers.statistics) }
        ).addRoutes(to: router)
    }

    private func addCheckout(to router: ServiceRouter, _ tracer: ServiceTracer, _ caller: ServiceCaller) throws {
        let readers = database.readers("checkout", options.pool)
        let faults = mode.faults(of: "checkout")
        let store = SQLiteOrderStore(database: database, readers: readers, tracer: tracer, faults: faults)
        CheckoutController(
            store: store,
            purchase: Purchase(
                services: Purchase.Services(caller, faults: faults),
                products: SQLiteCatalogStore(database: database, readers: readers, tracer: tracer, faults: faults),
                store: store,
                edgeID: database.edgeID,
                restocks: options.restocks,
                now: { ShopDatabase.milliseconds }
            ),
            provider: PaymentProvider(rules: try SeedData.paymentRules(), faults: faults),
            mode: mode,
            pool: { Self.pool(readers.statistics) }
        ).addRoutes(to: router)
    }

    private static func pool(_ statistics: PoolStatistics) -> PoolStats.Pool {
        PoolStats.Pool(active: statistics.active, maximum: statistics.maximum, waiting: statistics.waiting)
    }
}
