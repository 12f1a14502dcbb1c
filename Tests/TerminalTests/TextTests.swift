import Testing

@testable import Terminal

@Suite("Units, cells and styles")
struct TextTests {
    @Test(
        "Durations have three digits and a unit",
        arguments: [
            (0, "0 ms"), (1, "1 ns"), (999, "999 ns"), (1_000, "1.00 µs"), (850_000, "850 µs"), (999_600, "1.00 ms"),
            (12_300_000, "12.3 ms"), (12_000_000, "12.0 ms"), (999_499_999, "999 ms"), (999_500_000, "1.00 s"),
            (1_450_000_000, "1.45 s"), (59_949_000_000, "59.9 s"), (59_960_000_000, "1 min"),
            (125_000_000_000, "2 min 5 s"), (7_500_000_000_000, "2 h 5 min"),
        ] as [(UInt64, String)]
    )
    func durations(nanoseconds: UInt64, text: String) {
        #expect(Units.duration(nanoseconds, plain) == text)
    }

    @Test("The longest numbers stay numbers")
    func extremes() {
        #expect(Units.duration(.max, plain) == "213503 d 23 h")
        #expect(Units.age(.infinity) == "?")
        #expect(Units.bytes(.max) == "8192.0 PiB")
        #expect(Units.count(.min) == "-9,223,372,036,854,775,808")
    }

    @Test("Ages, sizes, counts and shares are what people say")
    func others() {
        #expect([0, 59.6, 180, 4000, 90_000].map(Units.age) == ["0 s", "1 min", "3 min", "1 h 6 min", "1 d 1 h"])
        #expect([0, 1023, 1024, 3_565_158].map(Units.bytes) == ["0 B", "1023 B", "1.0 KiB", "3.4 MiB"])
        #expect([999, 1000, 1_234_567].map(Units.count) == ["999", "1,000", "1,234,567"])
        #expect(Units.percent(1, of: 1000) == "<1 %")
        #expect(Units.percent(2, of: 3) == "67 %")
        #expect(Units.percent(1, of: 0) == "0 %")
    }

    @Test(
        "Text is measured in cells",
        arguments: [("abc", 3), ("é", 1), ("e\u{301}", 1), ("商品", 4), ("🛒", 2), ("✗◆▇─•…", 6), ("한", 2)]
    )
    func cells(text: String, width: Int) {
        #expect(Cells.width(text) == width)
    }

    @Test("Text is cut between cells, with an ellipsis")
    func cut() {
        #expect(Cells.cut("abcdef", to: 6, ellipsis: "…") == "abcdef")
        #expect(Cells.cut("abcdef", to: 5, ellipsis: "…") == "abcd…")
        #expect(Cells.cut("商品商品", to: 6, ellipsis: "…") == "商品…")
        #expect(Cells.cut("abc", to: 0, ellipsis: "…") == "")
    }

    @Test("A heap of combining marks does not grow over the lines above")
    func marks() {
        let heap = "z" + String(repeating: "\u{301}", count: 50)
        #expect(Cells.escape(heap, unicode: true).unicodeScalars.count == 3)
    }

    @Test("The shop's own services all have different colours")
    func colours() {
        let services = [
            "load-generator", "recommendation", "cart", "product-catalog", "checkout", "ad", "currency", "shipping",
            "console", "sync",
        ]
        #expect(Set(services.map(ServiceColour.code)).count == services.count)
    }

    @Test("The environment decides on width, colours and letters")
    func environment() {
        func style(_ isTerminal: Bool, _ columns: Int?, _ environment: [String: String]) -> TerminalStyle {
            TerminalStyle(isTerminal: isTerminal, columns: columns, environment: environment)
        }
        let usual = ["TERM": "xterm-256color", "LANG": "en_US.UTF-8"]
        #expect(style(true, 132, usual) == TerminalStyle(width: 132, colours: true, unicode: true))
        #expect(style(false, nil, usual) == TerminalStyle(width: 100, colours: false, unicode: true))
        #expect(style(true, 132, usual.merging(["COLUMNS": "90"]) { $1 }).width == 90)
        #expect(style(true, nil, usual).width == 80)
        #expect(!style(true, 80, usual.merging(["NO_COLOR": "1"]) { $1 }).colours)
        #expect(style(true, 80, usual.merging(["NO_COLOR": ""]) { $1 }).colours)
        #expect(!style(true, 80, ["TERM": "dumb"]).colours)
        #expect(!style(true, 80, usual.merging(["LC_ALL": "C"]) { $1 }).unicode)
    }

    @Test("An error is one line, whatever it was")
    func oneLine() {
        #expect(OneLine.error("no\n  such\tfile \u{1b}[31m", plain) == #"popshop: no such file \u{1b}[31m"#)
        #expect(OneLine.hint("do this", plain) == "  → do this")
    }
}
