import ShopAPI
import Synchronization

/// The products that the rules look up by id. Every list that the catalog answers warms it, so that a rule's look-up costs
/// nothing; while `recommendation-cache-miss-storm` is on nothing stays in it, and each look-up is a call.
final class ProductCache: Sendable {
    /// How it has done since the service started.
    struct Statistics: Hashable {
        var entries = 0
        var hits = 0
        var misses = 0
    }

    private struct State {
        var products: [Int: ProductMessage] = [:]
        var statistics = Statistics()
    }

    /// More than the shop has products.
    private static let capacity = 1_024

    private let state = Mutex(State())

    var statistics: Statistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.entries = state.products.count
            return statistics
        }
    }

    /// Keeps what the catalog has just said, the latest word on each product.
    func keep(_ products: [ProductMessage]) {
        state.withLock { state in
            if state.products.count + products.count > Self.capacity { state.products = [:] }
            for product in products.prefix(Self.capacity) { state.products[product.id] = product }
        }
    }

    func empty() { state.withLock { $0.products = [:] } }

    /// Looks each of them up.
    ///
    /// - Returns: Those that are not in it, as often as they were asked for.
    func misses(of ids: [Int]) -> [Int] {
        state.withLock { state in
            let missing = ids.filter { state.products[$0] == nil }
            state.statistics.hits += ids.count - missing.count
            state.statistics.misses += missing.count
            return missing
        }
    }
}
