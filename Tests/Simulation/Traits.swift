import Sync

/// What kind of world a seed makes.
struct Traits {
    enum DiskKind {
        case sound
        case faulty
        /// The span buffer's budget is less than what is recorded.
        case small
    }

    let edges: Int
    let steps: Int
    let disk: DiskKind
    /// Clocks are wrong, and are set.
    let hasBadClocks: Bool
    /// Requests at a time.
    let inFlight: Int
    /// Hours and days pass.
    let isLong: Bool
    let bufferBytes: Int
    let sliceBytes: Int
    let queueSpans: Int
    let spanOptions: SpanUplinkOptions
    let orderOptions: OrderUplinkOptions

    init(_ dice: inout Dice) {
        edges = dice.pick([1, 1, 1, 2, 2, 3])
        steps = dice.pick(8...14)
        disk = dice.pick([.sound, .sound, .sound, .faulty, .faulty, .faulty, .small])
        hasBadClocks = dice.chance(35)
        inFlight = dice.pick([1, 1, 3])
        isLong = dice.chance(35)
        bufferBytes = disk == .small ? dice.pick(120...260) << 10 : 1 << 30
        sliceBytes = dice.pick([64 << 20, 40 << 10, 100 << 10])
        queueSpans = dice.pick([30, 65_536, 65_536])
        var spans = SpanUplinkOptions()
        spans.maxRequestBytes = dice.pick([1_900_000, 5_000, 2_000])
        spans.minRequestBytes = 400
        spans.probeSpans = dice.pick([4, 10, 100])
        spans.maxInFlight = inFlight
        spanOptions = spans
        var orders = OrderUplinkOptions()
        (orders.probe, orders.batch) = (dice.pick([1, 3, 20]), dice.pick([20, 500]))
        orderOptions = orders
    }
}

extension Traits: CustomStringConvertible {
    var description: String {
        "\(edges) edges, \(steps) steps, disk \(disk), clocks \(hasBadClocks ? "bad" : "good"), \(inFlight) in flight, "
            + "\(isLong ? "days" : "minutes"), buffer \(bufferBytes), slices \(sliceBytes), queue \(queueSpans), "
            + "requests of \(spanOptions.maxRequestBytes), probes of \(spanOptions.probeSpans) and \(orderOptions.probe)"
    }
}
