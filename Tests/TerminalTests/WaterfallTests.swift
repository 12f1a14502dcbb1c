import ServiceTracing
import Testing

@testable import Terminal

@Suite("The waterfall")
struct WaterfallTests {
    @Test("No line is wider than the terminal", arguments: [20, 33, 60, 80, 100, 120, 160, 240], [true, false])
    func fits(width: Int, unicode: Bool) throws {
        let style = TerminalStyle(width: width, colours: true, unicode: unicode)
        for text in [try show(.checkout(), style), try show(.checkout(), style, isVerbose: true)] {
            #expect(lines(text).allSatisfy { Cells.width(bare($0)) <= width })
        }
    }

    @Test("A row ends in the last column with its duration", arguments: [80, 100, 160])
    func fillsTheWidth(width: Int) throws {
        let style = TerminalStyle(width: width, colours: false, unicode: true)
        let rows = lines(try show(.checkout(), style)).filter { $0.contains("▇") && !$0.contains("own time") }
        #expect(rows.count == 13)
        #expect(rows.allSatisfy { Cells.width($0) == width })
    }

    @Test("Children stand below their parent in the order they started")
    func order() throws {
        var make = TraceMaker()
        let root = try make.add("a", "root", at: 0, for: 100)
        let late = try make.add("a", "late", at: 50, for: 10, parent: root)
        try make.add("a", "early", at: 10, for: 10, parent: root)
        try make.add("a", "below", at: 51, for: 1, parent: late)
        let text = show(make)
        let places = try ["root", "├ early", "└ late", "  └ below"].map {
            try #require(text.firstRange(of: $0)?.lowerBound)
        }
        #expect(places == places.sorted())
    }

    @Test("A bar begins and ends where its time does, and is never less than a cell")
    func scale() throws {
        var make = TraceMaker()
        let root = try make.add("a", "root", at: 0, for: 100)
        try make.add("a", "half", at: 50, for: 50, parent: root)
        try make.add("a", "blink", at: 99.9, for: 0, parent: root)
        let scale = TimeScale(start: noon, end: noon + 100 * millisecond, cells: 40)
        let bars = make.spans.map { scale.bar($0, covered: [], plain) }
        #expect(bars.map(\.at) == [0, 20, 39])
        #expect(bars.map(\.signs.count) == [40, 20, 1])
    }

    @Test("Time that the children take is drawn thin, and events as dots")
    func ownTime() throws {
        var make = TraceMaker()
        let root = try make.add("a", "root", at: 0, for: 100, events: [("x", 5, [:])])
        try make.add("a", "child", at: 50, for: 25, parent: root)
        let tree = SpanTree(make.spans)
        let bar = TimeScale(start: noon, end: noon + 100 * millisecond, cells: 20).bar(
            tree.spans[0],
            covered: tree.covered[0],
            plain
        )
        #expect(bar.signs == "▇•▇▇▇▇▇▇▇▇─────▇▇▇▇▇")
        #expect(tree.ownTime(0) == 75 * millisecond)
    }

    @Test("A failed span is marked, red, and says why")
    func failure() throws {
        let text = try show(.checkout())
        #expect(text.contains("payment_declined: The payment provider declined the card."))
        #expect(lines(text).filter { $0.hasPrefix("✗") && !$0.hasPrefix("✗ failed") }.count == 3)
        let coloured = try show(.checkout(), TerminalStyle(width: 100, colours: true, unicode: true))
        #expect(coloured.contains("\u{1b}[1;31m✗\u{1b}[0m"))
    }

    @Test("A long reason goes on below, three lines at most")
    func longFailure() throws {
        var make = TraceMaker()
        let reason = (0..<400).map { "word\($0)" }.joined(separator: " ")
        try make.add("a", "root", at: 0, for: 1, outcome: .error(reason))
        let rows = lines(show(make)).filter { $0.contains("word") }
        #expect(rows.count == 3)
        #expect(rows[0].contains("✗ word0 word1") && rows[2].hasSuffix("…"))
    }

    @Test("A span with a quarter of the trace or half a second to itself is marked slow")
    func slow() throws {
        let text = try show(.checkout())
        let marked = lines(text).filter { $0.dropFirst().hasPrefix("◆") }
        #expect(marked.count == 1)
        #expect(marked.first?.contains("INSERT orders") == true)
        #expect(text.contains("77 %"))
    }

    @Test("Statements and events have rows of their own when asked, and statements where there is room")
    func verbose() throws {
        let wide = TerminalStyle(width: 160, colours: false, unicode: true)
        #expect(try !show(.checkout()).contains("INSERT INTO orders"))
        #expect(try show(.checkout(), isVerbose: true).contains("INSERT INTO orders"))
        #expect(try show(.checkout(), isVerbose: true).contains("+2.56 s  restock  product_id=1 quantity=50"))
        #expect(try show(.checkout(), wide).contains("INSERT INTO orders"))
        #expect(try !show(.checkout(), wide).contains("quantity=50"))
    }

    @Test("Links are listed at the end")
    func links() throws {
        let text = try show(.checkout())
        #expect(text.contains("checkout: POST /payments/authorize → trace 12345678901234567890123456789012"))
    }

    @Test("A span whose parent is not there says so")
    func orphans() throws {
        var make = TraceMaker()
        try make.add("a", "lost", at: 0, for: 5, parent: 0xabc)
        try make.add("a", "too", at: 1, for: 5, parent: 0xabc)
        let text = show(make)
        #expect(text.contains("? The parent span 0000000000000abc is not here"))
        #expect(text.contains("├ lost") && text.contains("└ too"))
    }

    @Test("Parents in a circle, a span that is its own parent, and one sent twice are shown once each")
    func circles() throws {
        var make = TraceMaker()
        try make.add("a", "one", at: 0, for: 5, parent: 2, id: 1)
        try make.add("a", "two", at: 1, for: 5, parent: 1, id: 2)
        try make.add("a", "self", at: 2, for: 5, parent: 3, id: 3)
        try make.add("a", "twin", at: 3, for: 5, id: 4)
        try make.add("a", "twin", at: 3, for: 5, id: 4)
        let tree = SpanTree(make.spans)
        let shown = tree.rows.compactMap { if case .span(let index) = $0.node { index } else { nil } }
        #expect(shown.sorted() == [0, 1, 2, 3, 4])
        #expect(show(make).contains("name each other as parents"))
    }

    @Test("Clocks that differ are named, and the bars stay inside")
    func skew() throws {
        var make = TraceMaker()
        let root = try make.add("a", "root", at: 0, for: 100)
        try make.add("b", "before", at: -20, for: 30, parent: root)
        try make.add("b", "after", at: 90, for: 60, parent: root)
        let text = show(make)
        #expect(text.contains("1 span starts before its parent"))
        #expect(text.contains("170 ms"))
        #expect(lines(text).allSatisfy { Cells.width($0) <= 100 })
    }

    @Test("A trace that took no time has a bar")
    func zeroDuration() throws {
        var make = TraceMaker()
        try make.add("a", "root", at: 0, for: 0)
        let text = show(make)
        #expect(text.contains("▇") && text.contains("0 ms") && !text.contains("◆"))
    }

    @Test("Five thousand spans, and five thousand levels, fit and take no time to speak of")
    func large() throws {
        var (flat, deep) = (TraceMaker(), TraceMaker())
        let root = try flat.add("a", "root", at: 0, for: 5000)
        for place in 1..<5000 { try flat.add("b", "span \(place)", at: Double(place), for: 1, parent: root) }
        for level in 0..<5000 {
            try deep.add("a", "level", at: Double(level) / 10, for: 600, parent: level == 0 ? nil : UInt64(level))
        }
        let style = TerminalStyle(width: 80, colours: false, unicode: true)
        let begun = ContinuousClock.now
        for text in [show(flat, style), show(deep, style)] {
            #expect(lines(text).count > 5000)
            #expect(lines(text).allSatisfy { Cells.width($0) <= 80 })
        }
        #expect(show(deep, style).contains("4999› level"))
        #expect(ContinuousClock.now - begun < .seconds(20))
    }

    @Test("No name, message or statement reaches the terminal as a command")
    func injection() throws {
        let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\r\nroot\u{85}\u{2028}x"
        var make = TraceMaker()
        try make.add(
            evil,
            evil,
            at: 0,
            for: 1,
            attributes: ["db.query.text": .string(evil), "error.type": .string(evil)],
            events: [(evil, 0, ["k": .string(evil)])],
            outcome: .error(evil)
        )
        let text = show(make, TerminalStyle(width: 160, colours: false, unicode: true), isVerbose: true)
        let controls = text.unicodeScalars.filter {
            [.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        #expect(controls.allSatisfy { $0 == "\n" })
        #expect(text.contains(#"\u{1b}]0;owned\u{7}"#))
    }

    @Test("Without Unicode every byte is ASCII")
    func ascii() throws {
        let style = TerminalStyle(width: 100, colours: false, unicode: false)
        var make = try TraceMaker.checkout()
        try make.add("café", "naïve 商品", at: 1, for: 0.5, parent: 1)
        #expect(show(make, style, isVerbose: true).utf8.allSatisfy { $0 < 0x80 })
    }
}
