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
        if let calls = faults[.cacheMissStorm]?.strength {
            try await timed(.cacheMissStorm, span) { try await readAtOnce(ids, calls) }
        }
    }

    /// One call for the list, and then one for each in it: what an object-relational mapper does unasked.
    private func readOneByOne(_ ids: [ProductID]) async throws {
        for id in ids { _ = try await catalog.product(id) }
    }

    /// Every look-up that a cache would have answered goes to the catalog, all of them at once.
    private func readAtOnce(_ ids: [ProductID], _ calls: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for call in 0..<calls { group.addTask { _ = try await catalog.product(ids[call % ids.count]) } }
            try await group.waitForAll()
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
