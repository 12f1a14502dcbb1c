public import ConsoleAPI

/// `popshop status`: the ledger of both lanes in words, and what a person should do where something needs one.
public enum StatusText {
    public static func render(_ status: StatusMessage, style: TerminalStyle) -> String {
        var lines = heading(status, style)
        lines.append("")
        lines += lane(orders(status), status.network, style)
        lines.append("")
        lines += lane(spans(status), status.network, style)
        return lines.joined(separator: "\n")
    }

    private static func heading(_ status: StatusMessage, _ style: TerminalStyle) -> [String] {
        var text = Paragraph(style, indent: 0)
        text.add("uplink", .dim)
        if status.network.switched_off {
            text.add("switched off", .warning)
        } else {
            text.add(status.network.online ? "on" : "not reachable", status.network.online ? .good : .warning)
        }
        if !status.edge_id.isEmpty {
            text.add("edge", .dim, gap: 3)
            text.add(status.edge_id, .dim)
        }
        return text.finished()
    }

    /// What both lanes have in common.
    struct Lane {
        let name: String
        let one: String
        let many: String
        let state: LaneState
        let enqueued: Int
        let pending: Int
        /// Where they went: word and number, pending first.
        let parts: [(word: String, count: Int)]
        let facts: [String]
        let oldestAge: Double?
        let lastError: String?
        let nextAttempt: Double?
        let advice: [String]
    }

    private static func lane(_ lane: Lane, _ network: StatusMessage.Network, _ style: TerminalStyle) -> [String] {
        var title = Line(style)
        title.add(lane.name, .bold)
        title.go(to: 8)
        title.add(lane.state.words, lane.state.ink)
        if lane.pending > 0 {
            title.add(": \(Units.count(lane.pending, lane.one, lane.many)) waiting")
            if let age = lane.oldestAge { title.add(", the oldest for \(Units.age(age))") }
        }
        if let next = lane.nextAttempt { title.add(", next try in \(Units.age(next))") }
        var lines = [title.text] + ledger(lane, style)
        if !lane.facts.isEmpty {
            var facts = Paragraph(style, indent: 2)
            for fact in lane.facts { facts.add(fact, .dim, gap: 3) }
            lines += facts.finished()
        }
        if let error = lane.lastError {
            var text = Paragraph(style, indent: 2)
            text.add(words: error, .warning)
            lines += text.finished()
        }
        for sentence in Advice.forState(lane, network) + lane.advice {
            var text = Paragraph(style, indent: 2)
            text.add(style.sign("→", "->"))
            text.add(words: sentence)
            lines += text.finished()
        }
        return lines
    }

    /// `12 enqueued = 3 pending + 9 sent`: all that are not zero, and the two that a reader looks for.
    private static func ledger(_ lane: Lane, _ style: TerminalStyle) -> [String] {
        var text = Paragraph(style, indent: 2)
        text.add("\(Units.count(lane.enqueued)) enqueued")
        for (index, part) in lane.parts.enumerated() where index < 2 || part.count != 0 {
            text.add((index == 0 ? "= " : "+ ") + "\(Units.count(part.count)) \(part.word)")
        }
        if lane.enqueued != lane.parts.reduce(0, { $0 + $1.count }) {
            text.add(words: "(these do not add up: that is a fault of popshop's)", .bad)
        }
        return text.finished()
    }
}

extension StatusText {
    private static func orders(_ status: StatusMessage) -> Lane {
        let orders = status.orders
        return Lane(
            name: "orders",
            one: "order",
            many: "orders",
            state: orders.state,
            enqueued: orders.enqueued,
            pending: orders.pending,
            parts: [
                ("pending", orders.pending), ("accepted", orders.accepted), ("backordered", orders.backordered),
                ("rejected", orders.rejected), ("quarantined", orders.quarantined),
            ],
            facts: [],
            oldestAge: orders.oldest_age_seconds,
            lastError: orders.last_error,
            nextAttempt: orders.next_attempt_in_seconds,
            advice: Advice.forOrders(orders)
        )
    }

    private static func spans(_ status: StatusMessage) -> Lane {
        let spans = status.spans
        var facts = ["\(Units.bytes(spans.bytes)) on disk"]
        if spans.dropped > 0 { facts.append("\(Units.count(spans.dropped)) dropped before the disk") }
        return Lane(
            name: "spans",
            one: "span",
            many: "spans",
            state: spans.state,
            enqueued: spans.enqueued,
            pending: spans.pending,
            parts: [
                ("pending", spans.pending), ("sent", spans.sent), ("rejected", spans.rejected),
                ("expired", spans.expired), ("evicted", spans.evicted), ("quarantined", spans.quarantined),
            ],
            facts: facts,
            oldestAge: spans.oldest_age_seconds,
            lastError: spans.last_error,
            nextAttempt: spans.next_attempt_in_seconds,
            advice: Advice.forSpans(spans)
        )
    }
}

extension LaneState {
    fileprivate var words: String {
        switch self {
        case .disabled: "nowhere to send"
        case .offline: "offline"
        case .idle: "nothing waits"
        case .draining: "sending"
        case .backingOff: "will try again"
        case .blocked: "blocked"
        }
    }

    fileprivate var ink: Ink {
        switch self {
        case .disabled: .dim
        case .idle, .draining: .good
        case .offline, .backingOff: .warning
        case .blocked: .bad
        }
    }
}
