import Commerce
import Faults
import Storage

/// A store of carts that refuses everything while `cart-outage` is on.
struct FailingCartStore: CartStore {
    private let store: any CartStore
    private let faults: ServiceFaults

    init(_ store: any CartStore, _ faults: ServiceFaults) {
        self.store = store
        self.faults = faults
    }

    func cart(_ id: CartID) async throws -> Cart {
        try check()
        return try await store.cart(id)
    }

    func add(_ line: Cart.Line, to id: CartID) async throws -> Cart {
        try check()
        return try await store.add(line, to: id)
    }

    func remove(_ product: ProductID, from id: CartID) async throws -> Cart {
        try check()
        return try await store.remove(product, from: id)
    }

    func take(_ pieces: [Cart.Pieces], from id: CartID) async throws -> Cart {
        try check()
        return try await store.take(pieces, from: id)
    }

    func clear(_ id: CartID) async throws -> Cart {
        try check()
        return try await store.clear(id)
    }

    var state: CartStoreState { get async { await store.state } }

    private func check() throws {
        guard faults[.cartOutage] != nil else { return }
        faults.count(.cartOutage, isError: true)
        throw StorageError(.unavailable, "cart-outage is on: the carts' store refuses")
    }
}
