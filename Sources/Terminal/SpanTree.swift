import ServiceTracing

/// A trace's spans as a tree, whatever was sent: lost parents, spans sent twice, parents in a circle, clocks that
/// differ.
struct SpanTree {
    /// What a row shows.
    enum Node: Hashable {
        /// By its place among the spans.
        case span(Int)
        /// A parent that others name and that is not there.
        case missing(SpanID)
        /// Above spans that are their own ancestors.
        case circle
    }

    struct Row {
        let node: Node
        let depth: Int
        /// Among those with the same parent.
        let isLast: Bool
        let hasChildren: Bool
    }

    /// By their start.
    let spans: [WaterfallSpan]
    private(set) var rows: [Row] = []
    /// The time of each that its children cover, as intervals in order that do not touch.
    private(set) var covered: [[ClosedRange<UInt64>]] = []
    /// Spans that start before their parent: only clocks that differ can do that.
    private(set) var skewed = 0
    private var children: [[Int]]
    private var visited: [Bool]

    init(_ unsorted: [WaterfallSpan]) {
        let order = unsorted.indices.sorted { (unsorted[$0].start, $0) < (unsorted[$1].start, $1) }
        spans = order.map { unsorted[$0] }
        children = Array(repeating: [], count: spans.count)
        visited = Array(repeating: false, count: spans.count)
        // A span that was sent twice has its children below the first.
        let places = Dictionary(spans.indices.map { (spans[$0].spanID, $0) }) { first, _ in first }
        var tops: [Node] = []
        var orphans: [SpanID: [Int]] = [:]
        for index in spans.indices {
            if let parent = spans[index].parentSpanID {
                if let place = places[parent] {
                    children[place].append(index)
                    skewed += spans[index].start < spans[place].start ? 1 : 0
                } else {
                    if orphans[parent] == nil { tops.append(.missing(parent)) }
                    orphans[parent, default: []].append(index)
                }
            } else {
                tops.append(.span(index))
            }
        }
        covered = spans.indices.map { cover($0) }
        for top in tops { visit(top, orphans) }
        addCircles()
    }

    /// Nanoseconds of the span in which none of its children runs.
    func ownTime(_ index: Int) -> UInt64 {
        spans[index].duration - covered[index].reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
    }

    /// Goes down from a top without recursion: a trace may be deeper than a stack.
    private mutating func visit(_ top: Node, _ orphans: [SpanID: [Int]]) {
        var open: [(node: Node, depth: Int, isLast: Bool)] = [(top, 0, true)]
        while let (node, depth, isLast) = open.popLast() {
            let below: [Int]
            switch node {
            case .span(let index):
                visited[index] = true
                below = children[index].filter { !visited[$0] }
            case .missing(let id): below = orphans[id] ?? []
            case .circle: below = []
            }
            rows.append(Row(node: node, depth: depth, isLast: isLast, hasChildren: !below.isEmpty))
            for (place, child) in below.enumerated().reversed() {
                open.append((.span(child), depth + 1, place == below.count - 1))
            }
        }
    }

    /// What no top leads to hangs in a circle; it is cut open at the span that starts first.
    private mutating func addCircles() {
        var isFirst = true
        for index in spans.indices where !visited[index] {
            if isFirst { rows.append(Row(node: .circle, depth: 0, isLast: true, hasChildren: false)) }
            isFirst = false
            visit(.span(index), [:])
        }
    }

    /// The children come by their start, so one pass joins them.
    private func cover(_ index: Int) -> [ClosedRange<UInt64>] {
        let span = spans[index]
        var joined: [ClosedRange<UInt64>] = []
        for child in children[index] where child != index {
            let (from, to) = (max(spans[child].start, span.start), min(spans[child].end, span.end))
            guard from < to else { continue }
            if let last = joined.last, from <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, to)
            } else {
                joined.append(from...to)
            }
        }
        return joined
    }
}
