import ArgumentParser
import HTTPClient
import Logging
import ServiceKit
import ServiceLifecycle
import ServiceTracing
import TraceContextHarness
import UnixSignals

/// The harness on a port of this machine, until it is told to end.
@main
struct Main: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace-context-harness",
        abstract: "The test service of the W3C's trace-context conformance suite, made of the shop's own parts.",
        discussion: "STRICT_LEVEL=2 SPEC_LEVEL=2 python3 test.py http://127.0.0.1:PORT/ runs the suite against it."
    )

    @Option(help: ArgumentHelp("The port of this machine to listen on.", valueName: "n"))
    var port = 5000

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port must be a port: 1 to 65535.") }
    }

    func run() async throws {
        let transport = try CurlClient()
        let resource = Resource(attributes: ["service.name": "trace-context-harness"])
        let harness = TraceContextHarness(
            transport: transport,
            tracer: ServiceTracer(resource: resource, processor: Nowhere())
        )
        var logger = Logger(label: "trace-context-harness")
        logger.logLevel = .error
        let application = buildApplication(
            harness.router(),
            at: ListenAddress(host: "127.0.0.1", port: port),
            logger: logger
        ) { port in
            print("trace-context-harness listens on http://127.0.0.1:\(port)/")
        }
        var configuration = ServiceGroupConfiguration(
            services: [application],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(2)
        try await ServiceGroup(configuration: configuration).run()
        await transport.shutDown()
    }
}

/// The suite looks at headers alone: spans are not kept.
private struct Nowhere: SpanProcessor {
    func onEnd(_ span: SpanData) {}
}
