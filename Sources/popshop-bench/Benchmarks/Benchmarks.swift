/// What is measured.
struct Benchmark: Sendable {
    let name: String
    /// Reports each figure as soon as it is known.
    let run: @Sendable (Workplace, (Figure) -> Void) async throws -> Void
}

enum Benchmarks {
    static let all = [
        Benchmark(name: "span", run: SpanBenchmark.run),
        Benchmark(name: "buffer", run: BufferBenchmark.run),
        Benchmark(name: "catalog", run: CatalogBenchmark.run),
        Benchmark(name: "orders", run: OrdersBenchmark.orders),
        Benchmark(name: "cart", run: OrdersBenchmark.cart),
        Benchmark(name: "checkout", run: OrdersBenchmark.checkout),
        Benchmark(name: "tracing", run: TracingBenchmark.run),
        Benchmark(name: "start", run: StartBenchmark.run),
        Benchmark(name: "drain", run: DrainBenchmark.idle),
        Benchmark(name: "pace", run: DrainBenchmark.beside),
        Benchmark(name: "backlog", run: DrainBenchmark.backlog),
        Benchmark(name: "push", run: PushBenchmark.run),
        Benchmark(name: "cloud", run: CloudBenchmark.run),
        Benchmark(name: "growth", run: GrowthBenchmark.run),
        Benchmark(name: "million", run: ScaleBenchmark.orders),
        Benchmark(name: "carts", run: ScaleBenchmark.carts),
        Benchmark(name: "connections", run: ScaleBenchmark.connections),
    ]

    static var names: [String] { all.map(\.name) }

    /// The Python demo that PopShop succeeds.
    static let predecessor = "the original Python demo"
}
