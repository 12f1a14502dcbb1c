public import Commerce
import Faults
import Hummingbird
public import ServiceKit
import ServiceTracing
import ShopAPI
import Synchronization

/// `ad`: ads by category, with their impressions and clicks.
public final class AdController: Sendable {
    private struct Counts {
        var impressions = 0
        var clicks = 0
    }

    private let ads: [Advertisement]
    private let mode: DemoModeFollower
    private let faults: ServiceFaults
    private let furnace = Furnace()
    private let counts: Mutex<[AdID: Counts]>

    public init(ads: [Advertisement], mode: DemoModeFollower) {
        self.ads = ads
        self.mode = mode
        faults = mode.faults(of: ServiceName.ad.rawValue)
        counts = Mutex([:])
    }

    /// Adds the service's routes.
    public func addRoutes(to router: ServiceRouter) {
        let tracer = router.tracer
        router.get("/ads") { request, _ in
            await self.burn(tracer)
            return try self.list(request.query)
        }
        router.post("/ads/{id}/click") { request, context in
            try await request.readNothing()
            return try self.click(context.pathValue("id"))
        }
        router.addObservation(
            of: mode,
            stats: { self.stats }
        )
    }

    /// While `ad-cpu` is on.
    private func burn(_ tracer: ServiceTracer) async {
        guard let milliseconds = faults[.adCPU]?.strength else { return }
        let begun = ContinuousClock.now
        await tracer.withSpan("rank ads") { span in
            faults.mark(span, .adCPU)
            span.set("ad.rankings", .int(await furnace.burn(milliseconds: milliseconds) { self.faults[.adCPU] != nil }))
        }
        faults.count(.adCPU, milliseconds: (ContinuousClock.now - begun).milliseconds)
    }

    /// Those of the category first by expected clicks, then by id; without a category, all.
    private func list(_ query: Query) throws -> Response {
        let category = try query.text("category")
        let limit = try query.integer("limit", default: 3, in: 1...100)
        let fitting = ads.filter { category == nil || $0.category == category }
            .sorted { ($0.ctr, $1.id.rawValue) > ($1.ctr, $0.id.rawValue) }
            .prefix(limit)
        counts.withLock { counts in
            for ad in fitting { counts[ad.id, default: Counts()].impressions += 1 }
        }
        return try .json(AdList(Array(fitting)))
    }

    private func click(_ id: String) throws -> Response {
        guard let number = Int32(id), let ad = ads.first(where: { $0.id.rawValue == Int(number) }) else {
            throw ServiceError.notFound("ad", id)
        }
        counts.withLock { $0[ad.id, default: Counts()].clicks += 1 }
        return try .json(AdClick(ad.id))
    }

    private var stats: [String: JSONValue] {
        let counts = counts.withLock { $0 }
        func ctr(_ counts: Counts) -> JSONValue {
            counts.impressions > 0 ? .double(Double(counts.clicks) / Double(counts.impressions)) : 0
        }
        let total = counts.values.reduce(into: Counts()) { total, ad in
            total.impressions += ad.impressions
            total.clicks += ad.clicks
        }
        return [
            "impressions": .int(total.impressions),
            "clicks": .int(total.clicks),
            "ctr": ctr(total),
            "ads": .array(
                ads.map { ad in
                    let count = counts[ad.id] ?? Counts()
                    return .object([
                        "id": .int(ad.id.rawValue),
                        "title": .string(ad.title),
                        "impressions": .int(count.impressions),
                        "clicks": .int(count.clicks),
                        "ctr": ctr(count),
                    ])
                }
            ),
        ]
    }
}
