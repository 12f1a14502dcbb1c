import Console
import Faults
import ServiceKit
import ServiceLifecycle
import ServiceTracing
import ShopAPI
import Sync
import TelemetryBuffer

/// Builds the console: its pages, the JSON API behind them, and what tells those who watch.
struct ConsoleBuilder {
    let shop: Shop
    let router: ServiceRouter
    let tracer: ServiceTracer
    private let traces: TraceReader
    /// Watching must not fill the buffer with probes, and waits no longer than a look may take.
    private let prober: ServiceCaller

    init(_ shop: Shop, _ router: ServiceRouter, _ tracer: ServiceTracer) {
        self.shop = shop
        self.router = router
        self.tracer = tracer
        traces = TraceReader(directory: Shop.telemetryDirectory(shop.directory.path))
        prober = shop.caller(
            shop.tracer(ServiceName.console.rawValue, sampler: .alwaysOff),
            timeout: .milliseconds(800)
        )
    }

    /// Adds the routes.
    ///
    /// - Returns: What runs beside the server and ends before it, since it waits for the streams of those who watch.
    func build() -> [any Service] {
        let controller = consoleController()
        let faults = shop.mode.faults(of: ServiceName.console.rawValue)
        let switches = FaultController(
            mode: shop.mode,
            survey: FaultSurvey(caller: prober, own: faults),
            sync: shop.sync
        )
        // Its questions are asked as those of the prober, what it changes as the console's own.
        let watched = LoadGeneratorClient(prober, token: nil)
        let tiles = TilesReader(traces: traces.another(), prober: prober)
        let feed = LiveFeed(
            topics: [
                LiveTopic("status") { try await controller.status() },
                LiveTopic("faults") { try await switches.list() },
                LiveTopic("scenario") { ["status": try await watched.scenario()] },
                LiveTopic("traffic") { try await watched.traffic() },
                LiveTopic("tiles") { try await tiles.tiles() },
            ],
            traces: traces.another()
        )
        controller.addRoutes(to: router)
        switches.addRoutes(to: router)
        ScenarioRoutes(
            generator: LoadGeneratorClient(shop.caller(tracer), token: shop.settings.adminToken),
            faults: shop.mode,
            sync: shop.sync
        ).addRoutes(to: router)
        feed.addRoutes(to: router)
        PagesController().addRoutes(to: router)
        StorefrontController(caller: shop.shopperCaller(tracer)).addRoutes(to: router)
        return [feed, networkLoss(faults)]
    }

    private func consoleController() -> ConsoleController {
        let (buffer, backend, settings) = (shop.buffer, shop.backend, shop.settings)
        return ConsoleController(
            sources: ConsoleController.Sources(
                traces: traces,
                spans: { await buffer.counts() },
                orders: { try await backend.outboxCounts() },
                settled: { try await backend.settledOrders($0) },
                upstreamURL: { settings.upstreamPage(ofTrace: $0, startedIn: $1) }
            ),
            sync: shop.sync,
            faults: shop.mode,
            edgeID: backend.edgeID ?? ""
        )
    }

    private func networkLoss(_ faults: ServiceFaults) -> any Service {
        FaultTask(.networkLoss, in: faults) { [sync = shop.sync] _ in
            await sync.setSwitchedOff(true)
            await Task.untilCancelled()
            // A shop that closes while the network is away leaves it so.
            if faults[.networkLoss] == nil { await sync.setSwitchedOff(false) }
        }
    }
}
