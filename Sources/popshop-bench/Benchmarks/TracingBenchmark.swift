/// What tracing costs: the same paths of two shops, of which one records nothing (`OTEL_TRACES_SAMPLER=always_off`).
enum TracingBenchmark {
    private static let rounds = 6
    private static let paths:
        [(name: String, meter: @Sendable (ShopProcess, Workplace) throws -> OrdersBenchmark.Meter)] = [
            ("one product", { try OrdersBenchmark.products(of: $0, $1) }),
            ("orders", { try OrdersBenchmark.orders(of: $0, $1) }),
            ("cart adds", { try OrdersBenchmark.adds(of: $0, $1) }),
            ("checkouts", { shop, _ in OrdersBenchmark.checkouts(of: shop) }),
        ]

    static func run(_ workplace: Workplace, _ report: (Figure) -> Void) async throws {
        for path in paths {
            let traced = try await workplace.serve(.shopping, environment: [:])
            let untraced = try await workplace.serve(.shopping, environment: ["OTEL_TRACES_SAMPLER": "always_off"])
            let (with, without) = (try path.meter(traced, workplace), try path.meter(untraced, workplace))
            var ratios: [Double] = []
            _ = (try await with(), try await without())
            for number in 0..<rounds {
                // Each is first in turn: whatever one leaves to the machine falls on the other.
                let before = number % 2 == 0 ? try await with() : nil
                let rate = try await without()
                let after = number % 2 == 0 ? nil : try await with()
                ratios.append((before ?? after ?? .nan) / rate)
            }
            await traced.stop()
            await untraced.stop()
            report(Figure("traced, \(path.name)", "of untraced", better: .higher, ratios, goal: 0.85))
        }
    }
}
