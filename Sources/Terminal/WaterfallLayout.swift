/// Where a waterfall's columns are: marks, service, tree and name, bar, duration. Together they are the width.
struct WaterfallLayout {
    /// `✗`, `◆` and a blank.
    static let marks = 3
    /// With the blank before it.
    static let duration = 9
    /// From this width on statements have a row of their own unasked.
    static let roomy = 120

    let service: Int
    let name: Int
    let bar: Int
    /// How many levels are set in; deeper ones stand where the last of these does.
    let depth: Int

    var nameColumn: Int { Self.marks + service + 1 }
    var barColumn: Int { nameColumn + name + 1 }

    init(_ tree: SpanTree, _ style: TerminalStyle) {
        let wanted = tree.spans.map { Cells.width(Cells.escape($0.service, unicode: style.unicode)) }.reduce(7, max)
        service = max(4, min(wanted, style.width / 6 + 2))
        let rest = max(2, style.width - Self.marks - service - 1 - 1 - Self.duration)
        // The tree gets what it needs up to a good half of the rest; the bars take all that is left.
        let most = max(1, min(rest * 11 / 20, 64))
        let depth = max(1, (most - 14) / 2)
        self.depth = depth
        let needed = tree.rows.reduce(4) { widest, row in
            guard case .span(let index) = row.node else { return widest }
            let branch = Guides.width(row.depth, cap: depth)
            return max(widest, branch + Cells.width(Cells.escape(tree.spans[index].name, unicode: style.unicode)))
        }
        name = min(needed, most)
        bar = rest - name
    }
}

/// The lines of the tree to the left of a name.
struct Guides {
    /// Before the span's name: `│ └ `, and the level itself where it is deeper than is set in.
    private(set) var branch = ""
    /// Before what is said below the span.
    private(set) var trunk = ""
    private let style: TerminalStyle
    private let cap: Int
    /// By level: whether more follow there.
    private var continues: [Bool] = []

    init(_ style: TerminalStyle, depth: Int) {
        self.style = style
        cap = depth
    }

    mutating func enter(_ row: SpanTree.Row) {
        let level = min(row.depth, cap)
        var stem = ""
        for above in 1..<max(1, level) { stem += continues[above] ? style.sign("│ ", "| ") : "  " }
        while continues.count <= level { continues.append(false) }
        continues[level] = row.depth > 0 && !row.isLast
        let mark = row.depth == 0 ? "" : row.isLast ? style.sign("└ ", "` ") : style.sign("├ ", "+ ")
        branch = stem + mark + (row.depth > cap ? "\(row.depth)" + style.sign("›", ">") + " " : "")
        let below = row.depth == 0 ? "" : row.isLast ? "  " : style.sign("│ ", "| ")
        trunk = stem + below + (row.hasChildren && row.depth < cap ? style.sign("│ ", "| ") : "  ")
    }

    static func width(_ depth: Int, cap: Int) -> Int {
        depth <= cap ? 2 * depth : 2 * cap + String(depth).count + 2
    }
}
