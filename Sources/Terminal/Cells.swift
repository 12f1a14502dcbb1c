/// Text measured in a terminal's cells, and made harmless: names in a trace come from anyone who can send a request,
/// and an escape sequence in one could rewrite the presenter's screen.
enum Cells {
    /// The text without anything that a terminal would act on: controls (C0, C1, DEL), marks that turn the writing
    /// direction, line separators and what Unicode has not assigned are written as Swift writes them, `\u{1b}`.
    static func escape(_ text: String, unicode: Bool) -> String {
        if text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return text }
        var result = String.UnicodeScalarView()
        var marks = 0
        for scalar in text.unicodeScalars {
            marks = width(scalar) == 0 ? marks + 1 : 0
            if let word = replacement(scalar, unicode: unicode) {
                result.append(contentsOf: word.unicodeScalars)
            } else if marks <= 2 {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// How many cells the text takes, counted by scalars as `wcwidth` does.
    static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    /// The text in at most so many cells, with an ellipsis where it was cut.
    static func cut(_ text: String, to limit: Int, ellipsis: String) -> String {
        guard width(text) > limit else { return text }
        let room = limit - width(ellipsis)
        guard room >= 0 else { return "" }
        var (result, used) = (String.UnicodeScalarView(), 0)
        for scalar in text.unicodeScalars {
            used += width(scalar)
            if used > room { break }
            result.append(scalar)
        }
        return String(result) + ellipsis
    }

    /// What stands for a scalar that is not shown as it is; nil for one that is.
    private static func replacement(_ scalar: Unicode.Scalar, unicode: Bool) -> String? {
        switch scalar.value {
        case 0x20...0x7e: return nil
        case 0x09: return "\\t"
        case 0x0a: return "\\n"
        case 0x0d: return "\\r"
        // Variation selectors make the same character one cell here and two cells there.
        case 0xfe00...0xfe0f: return ""
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            return "\\u{\(String(scalar.value, radix: 16))}"
        default: return unicode ? nil : scalar == "µ" || scalar == "μ" ? "u" : "?"
        }
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        if (0x1160...0x11ff).contains(scalar.value) { return 0 }
        return wide.contains { $0.contains(scalar.value) } || isWideEmoji(scalar) ? 2 : 1
    }

    /// Half of a flag is one cell: the two make two.
    private static func isWideEmoji(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isEmojiPresentation && !(0x1f1e6...0x1f1ff).contains(scalar.value)
    }

    /// Unicode Standard Annex 11, *East Asian Width*: the blocks that are wide or full-width, beside emoji.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2329...0x232a, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3,
        0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18cff,
        0x1aff0...0x1b2fb, 0x1f200...0x1f265, 0x20000...0x3fffd,
    ]
}
