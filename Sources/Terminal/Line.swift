/// What a piece of text is, and so how it looks.
enum Ink: Hashable {
    case plain
    case dim
    case bold
    case good
    case warning
    case bad
    /// Steady by the service's name.
    case service(String)

    var codes: String? {
        switch self {
        case .plain: nil
        case .dim: "2"
        case .bold: "1"
        case .good: "32"
        case .warning: "33"
        case .bad: "1;31"
        case .service(let name): "38;5;\(ServiceColour.code(name))"
        }
    }
}

/// A colour a service, the same in every trace and every run. Red is not among them: it means failure.
enum ServiceColour {
    static let palette = [39, 208, 118, 213, 51, 226, 141, 43, 215, 75, 156, 177, 229, 87, 180, 111]

    static func code(_ name: String) -> Int { palette[Int(hash(name) % UInt32(palette.count))] }

    /// FNV-1a with a start of our own: one at which the shop's own services all differ.
    private static func hash(_ name: String) -> UInt32 {
        var hash = start
        for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash ^ hash >> 16
    }

    private static let start: UInt32 = 2_166_136_407
}

/// One line of output: never wider than the terminal, without blanks at its end, and safe whatever is put in.
struct Line {
    let style: TerminalStyle
    /// Used so far.
    private(set) var cells = 0
    private var written = ""
    private var blanks = 0

    init(_ style: TerminalStyle) {
        self.style = style
    }

    var text: String { written }
    var room: Int { style.width - cells }

    /// Adds text, cut to `limit` cells and to what is left of the line.
    mutating func add(_ raw: String, _ ink: Ink = .plain, limit: Int = .max) {
        let escaped = Cells.escape(raw, unicode: style.unicode)
        let shown = Cells.cut(escaped, to: min(limit, room), ellipsis: style.ellipsis)
        guard !shown.isEmpty else { return }
        if shown.utf8.allSatisfy({ $0 == 0x20 }) { return skip(shown.utf8.count) }
        written += String(repeating: " ", count: blanks)
        blanks = 0
        cells += Cells.width(shown)
        if style.colours, let codes = ink.codes {
            written += "\u{1b}[\(codes)m\(shown)\u{1b}[0m"
        } else {
            written += shown
        }
    }

    /// Adds text at the right end of a column of so many cells.
    mutating func add(_ raw: String, _ ink: Ink = .plain, rightIn width: Int) {
        let escaped = Cells.escape(raw, unicode: style.unicode)
        skip(max(0, width - Cells.width(escaped)))
        add(raw, ink, limit: width)
    }

    /// Goes on at a column, counted from 0.
    mutating func go(to column: Int) { skip(column - cells) }

    mutating func skip(_ count: Int) {
        let count = max(0, min(count, room))
        blanks += count
        cells += count
    }
}

/// A paragraph: words that go on below where the line ends.
struct Paragraph {
    private let style: TerminalStyle
    private let indent: Int
    private(set) var lines: [String] = []
    private var line: Line
    private var isFresh = true

    /// - Parameter indent: Of every line.
    init(_ style: TerminalStyle, indent: Int) {
        self.style = style
        self.indent = min(indent, style.width / 2)
        line = Line(style)
        line.skip(self.indent)
    }

    /// Adds what is not to be parted, after `gap` blanks or on the next line.
    mutating func add(_ piece: String, _ ink: Ink = .plain, gap: Int = 1) {
        let width = Cells.width(Cells.escape(piece, unicode: style.unicode))
        if !isFresh, width + gap > line.room { breakLine() }
        if !isFresh { line.skip(gap) }
        line.add(piece, ink)
        isFresh = false
    }

    mutating func add(words sentence: String, _ ink: Ink = .plain) {
        for word in sentence.split(whereSeparator: { $0 == " " || $0.isNewline }) { add(String(word), ink) }
    }

    /// The lines, with the last one.
    func finished() -> [String] { isFresh ? lines : lines + [line.text] }

    private mutating func breakLine() {
        lines.append(line.text)
        line = Line(style)
        line.skip(indent)
        isFresh = true
    }
}
