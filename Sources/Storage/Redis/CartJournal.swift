import Commerce
import DequeModule

/// Changes that wait to be sent, in order a cart; bounded in number over all of them.
struct CartJournal: Sendable {
    /// The changes of one cart that are the next to be sent.
    struct Batch: Sendable {
        let cart: CartID
        let changes: [CartChange]
        fileprivate let last: UInt64
    }

    private struct Entry {
        let number: UInt64
        let change: CartChange
    }

    private var entries: [CartID: Deque<Entry>] = [:]
    /// Every entry's number and cart, oldest first; those that are gone already are skipped.
    private var order: Deque<(number: UInt64, cart: CartID)> = []
    private var numbersGiven: UInt64 = 0
    private let maximum: Int

    private(set) var count = 0
    /// How many had to make room, ever.
    private(set) var dropped = 0

    init(maximum: Int) { self.maximum = max(1, maximum) }

    func holds(_ cart: CartID) -> Bool { entries[cart] != nil }

    /// - Returns: False when the oldest of all had to make room.
    mutating func append(_ change: CartChange, to cart: CartID) -> Bool {
        numbersGiven += 1
        entries[cart, default: []].append(Entry(number: numbersGiven, change: change))
        order.append((numbersGiven, cart))
        count += 1
        skipGone()
        guard count > maximum, let oldest = order.first else { return true }
        remove(1, of: oldest.cart)
        dropped += 1
        skipGone()
        return false
    }

    /// What has waited longest, and what follows it in the same cart.
    func next(_ most: Int) -> Batch? {
        guard let cart = order.first?.cart, let entries = entries[cart]?.prefix(most), let last = entries.last else {
            return nil
        }
        return Batch(cart: cart, changes: entries.map(\.change), last: last.number)
    }

    /// Forgets what was sent; some of it may have been dropped meanwhile.
    mutating func settle(_ batch: Batch) {
        let sent = entries[batch.cart]?.prefix { $0.number <= batch.last }.count ?? 0
        remove(sent, of: batch.cart)
        skipGone()
    }

    private mutating func remove(_ number: Int, of cart: CartID) {
        entries[cart]?.removeFirst(number)
        if entries[cart]?.isEmpty == true { entries[cart] = nil }
        count -= number
    }

    /// A cart's entries go in the order they came, so what is before its first is gone.
    private mutating func skipGone() {
        while let oldest = order.first {
            if let first = entries[oldest.cart]?.first, first.number <= oldest.number { return }
            order.removeFirst()
        }
    }
}
