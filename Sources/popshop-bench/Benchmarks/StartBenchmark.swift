import HTTPClient
import HTTPTypes
import ShopAPI

/// How soon the whole shop is open, and what it weighs.
enum StartBenchmark {
    private static let repeats = 7
    private static let idle = Duration.seconds(2)
    private static let load = Duration.seconds(5)

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        var (started, idling, loaded): ([Double], [Double], [Double]) = ([], [], [])
        for number in 0..<repeats {
            let shop = try await workplace.serve(.demo)
            started.append(shop.readyAfter.seconds * 1000)
            if number < 3 {
                try await Task.sleep(for: idle)
                idling.append(try shop.child.residentMegabytes)
                try await busy(shop)
                loaded.append(try shop.child.residentMegabytes)
            }
            await shop.stop()
        }
        report(Figure("start, all services ready", "ms", better: .lower, started, goal: 1_000))
        report(Figure("memory, idle", "MB", better: .lower, idling, goal: 80))
        report(Figure("memory, after load", "MB", better: .lower, loaded, goal: 80))
    }

    /// Products and orders, as fast as they are answered.
    private static func busy(_ shop: ShopProcess) async throws {
        let catalog = shop.url(.productCatalog, "/products")
        let orders = shop.url(.checkout, "/orders/create")
        let load = Load(shop.client) { number in
            if number % 4 > 0 { return OutgoingRequest(url: "\(catalog)/\(number % 21 + 1)") }
            let body = #"{"user_id":"bench","product_id":\#(number % 21 + 1)}"#
            return OutgoingRequest(method: .post, url: orders, body: Array(body.utf8))
        }
        _ = try await load.rate(.duration(Self.load))
    }
}
