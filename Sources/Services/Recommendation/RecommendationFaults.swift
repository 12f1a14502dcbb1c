import Commerce
import Faults
import ServiceKit
import ServiceTracing
import ShopAPI

/// What goes wrong with a recommendation, where that is switched on.
struct RecommendationFaults: Sendable {
    let faults: ServiceFaults
    let catalog: CatalogClient
    let hoard: MemoryHoard
    let cache = ProductCache()

    /// - Throws: `DownstreamError`.
    func act(on products: [ProductMessage], _ span: RecordedSpan?) async throws {
        if let bound = faults[.memoryGrowth]?.strength, hoard.grow(upTo: bound) {
            faults.mark(span, .memoryGrowth)
            span?.set("popshop.hoard_mib", .int(hoard.mebibytes))
            faults.count(.memoryGrowth)
        }
        let ids = products.map { ProductID($0.id) }
        guard !ids.isEmpty else { return }
        if faults[.nPlusOne] != nil { try await timed(.nPlusOne, span) { try await readOneByOne(ids) } }
        try await lookUp(products, span)
    }

    /// One call for the list, and then one for each in it: what an object-relational mapper does unasked.
    private func readOneByOne(_ ids: [ProductID]) async throws {
        for id in ids { _ = try await catalog.product(id) }
    }

    /// Each rule looks each product up in the cache, which has just been warmed; in a storm it holds nothing, and what it
    /// would have answered goes to the catalog, all of it at once.
    private func lookUp(_ products: [ProductMessage], _ span: RecordedSpan?) async throws {
        let lookUps = RecommendationRules.all.flatMap { _ in products.map(\.id) }
        guard let most = faults[.cacheMissStorm]?.strength else {
            cache.keep(products)
            _ = cache.misses(of: lookUps)
            return
        }
        cache.empty()
        let missing = cache.misses(of: lookUps)
        span?.set([
            "popshop.cache.hits": .int(lookUps.count - missing.count), "popshop.cache.misses": .int(missing.count),
        ])
        try await timed(.cacheMissStorm, span) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in missing.prefix(most) { group.addTask { _ = try await catalog.product(ProductID(id)) } }
                try await group.waitForAll()
            }
        }
    }

    private func timed(_ name: FaultName, _ span: RecordedSpan?, _ body: () async throws -> Void) async throws {
        faults.mark(span, name)
        let begun = ContinuousClock.now
        do {
            try await body()
        } catch {
            faults.count(name, milliseconds: (ContinuousClock.now - begun).milliseconds, isError: true)
            throw error
        }
        faults.count(name, milliseconds: (ContinuousClock.now - begun).milliseconds)
    }
}
