import ArgumentParser
import Dispatch
import HTTPClient
import Hummingbird
import Logging
import NIOCore
import ShopAPI

#if canImport(Glibc)
    import Glibc
#endif

/// The limits of every service: routes of the same server library that answer a constant, and a product out of a database
/// by nothing but sqlite3.
struct Hello: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Option var port: Int
    @Option var database: String?

    func run() throws {
        let (port, bare) = (port, try database.map(BareCatalog.init))
        MainThread.serve {
            let router = Router()
            router.get("/hello") { _, _ in "Hello, world!" }
            if let bare {
                router.get("/products/:id") { _, context in
                    guard let product = bare.product(try context.parameters.require("id", as: Int.self)) else {
                        throw HTTPError(.notFound)
                    }
                    let body = ByteBuffer(bytes: try JSON.bytes(product))
                    return Response(
                        status: .ok,
                        headers: [.contentType: "application/json"],
                        body: ResponseBody(byteBuffer: body)
                    )
                }
            }
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
    let constant: Wrk
    /// With a database: one product of it a request.
    let products: Wrk

    init(in workplace: Workplace, database: String? = nil) async throws {
        let port = 7_000 + Int(getpid() % 1_000)
        let base = "http://127.0.0.1:\(port)"
        let client = try CurlClient()
        child = try await workplace.start(
            "popshop-bench",
            ["hello", "--port", "\(port)"] + (database.map { ["--database", $0] } ?? [])
        )
        try await ShopProcess.wait(for: base + "/hello", client, child)
        await client.shutDown()
        constant = try Wrk(workplace, base, get: "'/hello'")
        products = try Wrk(workplace, base, get: Path.product)
    }

    func stop() async { await child.stop() }
}
