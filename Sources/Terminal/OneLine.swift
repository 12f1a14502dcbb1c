/// What a command says in one line: safe to print whatever is in it.
public enum OneLine {
    /// `popshop: <sentence>`, in red where there are colours. Not cut: the end of an error is often what matters.
    public static func error(_ sentence: String, _ style: TerminalStyle) -> String {
        "popshop: " + paint(sentence, .bad, style)
    }

    /// An error in its own words, which may have been several lines.
    public static func error(_ error: any Error, _ style: TerminalStyle) -> String {
        self.error(String(describing: error), style)
    }

    /// What to do next, set back from what was said.
    public static func hint(_ sentence: String, _ style: TerminalStyle) -> String {
        "  \(style.sign("→", "->")) " + paint(sentence, .plain, style)
    }

    private static func paint(_ sentence: String, _ ink: Ink, _ style: TerminalStyle) -> String {
        let words = sentence.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline })
        let text = Cells.escape(words.joined(separator: " "), unicode: style.unicode)
        guard style.colours, let codes = ink.codes else { return text }
        return "\u{1b}[\(codes)m\(text)\u{1b}[0m"
    }
}
