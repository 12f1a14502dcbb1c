import HTTPClient
import HTTPTypes
import ShopAPI
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A popshop under measurement, with a client of its own.
struct ShopProcess: Sendable {
    /// What it runs.
    enum Kind: Sendable {
        /// `popshop serve` with these services.
        case services([ServiceName])
        /// `popshop demo`: all of them, without traffic.
        case demo

        /// What an order needs.
        static let shopping = services([.productCatalog, .cart, .checkout, .currency, .shipping])
    }

    let child: Child
    let client: CurlClient
    /// From its start to the answer of the last service's `/health`, to 2 ms.
    let readyAfter: Duration
    private let urls: ServiceURLs

    private static let shops = Atomic(0)

    init(_ kind: Kind, in workplace: Workplace, data: String, environment: [String: String]?) async throws {
        // Below the ports that connections are given by the kernel, and another range for each shop.
        let offset = 3_000 + Self.shops.add(1, ordering: .relaxed).newValue * 40 + Int(getpid() % 300) * 40
        let common = ["--port-offset", "\(offset)", "--data-dir", data]
        urls = ServiceURLs(portOffset: offset)
        client = try CurlClient(configuration: .init(maximumConnections: 128))
        let services: [ServiceName]
        switch kind {
        case .services(let names):
            services = names
            let words = ["serve"] + names.map(\.rawValue) + common
            child = try await workplace.start("popshop", words, environment: environment)
        case .demo:
            services = ServiceName.allCases
            let words = ["demo", "--traffic", "0"] + common
            child = try await workplace.start("popshop", words, environment: environment)
        }
        for service in services { try await Self.wait(for: urls[service] + "/health", client, child) }
        readyAfter = .now - child.started
    }

    func url(_ service: ServiceName, _ path: String) -> String { urls[service] + path }

    func stop() async {
        await client.shutDown()
        await child.stop()
    }

    /// Returns at the first answer that is not "not yet": a part of the shop may have no `/health`, and says 404.
    static func wait(for url: String, _ client: CurlClient, _ child: Child) async throws {
        for _ in 0..<5_000 {
            let answer = try? await client.send(OutgoingRequest(url: url, timeout: .seconds(1)))
            if let status = answer?.status.code, status < 500 { return }
            try child.checkAlive()
            try await Task.sleep(for: .milliseconds(2))
        }
        throw Failure("\(url) does not become healthy.")
    }
}
