import HTTPClient
import HTTPTypes
import ShopAPI

/// How much is bought a second. Every order is on disk, by fsync, before it is answered.
enum OrdersBenchmark {
    private static let rounds = 5
    private static let round = Duration.seconds(2)
    private static let services: ShopProcess.Kind = .services([
        .productCatalog, .cart, .checkout, .currency, .shipping,
    ])

    /// The short form: the product is looked up over HTTP, the order written.
    static func orders(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(services)
        let url = shop.url(.checkout, "/orders/create")
        let load = Load(shop.client) { number in
            post(url, #"{"user_id":"bench-\#(number % 100)","product_id":\#(number % 21 + 1)}"#)
        }
        let samples = try await rates(load)
        await shop.stop()
        report(Figure("orders", "orders/s", better: .higher, samples, elsewhere: (Benchmarks.predecessor, 477)))
    }

    /// Name and price are looked up in the catalog over HTTP, as a browser's adds are.
    static func cart(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(services)
        let url = shop.url(.cart, "/cart")
        let load = Load(shop.client) { number in
            post("\(url)/bench-\(number / 10)/add", #"{"product_id":\#(number % 21 + 1)}"#)
        }
        let samples = try await rates(load)
        await shop.stop()
        report(Figure("cart", "adds/s", better: .higher, samples, elsewhere: (Benchmarks.predecessor, 512)))
    }

    /// The whole of it, over six services' worth of calls. The carts are filled before the clock runs.
    static func checkout(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        let shop = try await workplace.serve(services)
        let (cart, checkout) = (shop.url(.cart, "/cart"), shop.url(.checkout, "/checkout"))
        let fill = Load(shop.client) { post("\(cart)/bench-\($0)/add", #"{"product_id":\#($0 % 21 + 1)}"#) }
        let buy = Load(shop.client) { post(checkout, #"{"cart_id":"bench-\#($0)","user_id":"bench"}"#) }
        var samples: [Double] = []
        for number in 0...rounds {
            _ = try await fill.rate(.requests(1_000))
            let rate = try await buy.rate(.requests(1_000))
            if number > 0 { samples.append(rate) }
        }
        await shop.stop()
        report(Figure("checkout", "checkouts/s", better: .higher, samples))
    }

    private static func rates(_ load: Load) async throws -> [Double] {
        _ = try await load.rate(.duration(.seconds(1)))
        var samples: [Double] = []
        for _ in 0..<rounds { samples.append(try await load.rate(.duration(round))) }
        return samples
    }

    private static func post(_ url: String, _ body: String) -> OutgoingRequest {
        OutgoingRequest(
            method: .post,
            url: url,
            headers: [.contentType: "application/json"],
            body: Array(body.utf8)
        )
    }
}
