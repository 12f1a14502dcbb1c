import ArgumentParser
import Dispatch
import HTTPClient
import Hummingbird
import Logging

#if canImport(Glibc)
    import Glibc
#endif

/// The limit of every service: a route of the same server library that answers a constant.
struct Hello: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Option var port: Int

    func run() throws {
        let port = port
        MainThread.serve {
            let router = Router()
            router.get("/hello") { _, _ in "Hello, world!" }
            var logger = Logger(label: "hello")
            logger.logLevel = .error
            let application = Application(
                router: router,
                configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil),
                logger: logger
            )
            try await application.runService()
        }
    }
}

/// A `Hello` in a process of its own.
struct HelloProcess: Sendable {
    let child: Child
    let load: Load

    init(in workplace: Workplace) async throws {
        let port = 7_000 + Int(getpid() % 1_000)
        let url = "http://127.0.0.1:\(port)/hello"
        let client = try CurlClient(configuration: .init(maximumConnections: 128))
        child = try await workplace.start("popshop-bench", ["hello", "--port", "\(port)"])
        try await ShopProcess.wait(for: url, client, child)
        load = Load(client) { _ in OutgoingRequest(url: url) }
    }

    func stop() async {
        await load.client.shutDown()
        await child.stop()
    }
}
