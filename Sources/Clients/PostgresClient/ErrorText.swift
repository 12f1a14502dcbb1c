import CLibPQ

/// The one place that makes sentences of what libpq and the server say.
enum ErrorText {
    /// Why a connection was not made. libpq tells each address it has tried in a line or more; the first that the server
    /// itself has answered counts, else the last.
    static func connecting(_ text: String, _ place: PostgresURL) -> PostgresError {
        let lines = text.split(separator: "\n").filter { line in
            !line.hasPrefix("\t") && !line.hasPrefix("LOCATION:") && !line.hasPrefix("HINT:") && !line.isEmpty
        }
        for line in lines {
            guard let (state, reason) = refusal(in: line) else { continue }
            return error(place, reason, sqlState: state)
        }
        var reason = String(lines.last ?? "the connection was closed")
        if let range = firstRange(of: "failed: ", in: reason) { reason = String(reason[range.upperBound...]) }
        if reason.hasPrefix("could not translate host name") { reason = "its name has no address" }
        return error(place, reason, sqlState: nil)
    }

    /// Why a connection was not made, in words of ours.
    static func error(_ place: PostgresURL, _ reason: String, sqlState: String?) -> PostgresError {
        var reason = reason
        // A server may repeat what it was sent; a password is never to be shown, whoever repeats it.
        if place.secrets.contains(where: { firstRange(of: $0, in: reason) != nil }) { reason = "it refused" }
        return PostgresError(.connectionFailed, sentence("\(place) cannot be used: \(reason)"), sqlState: sqlState)
    }

    /// Reads `…FATAL:  28P01: password authentication failed`.
    private static func refusal(in line: Substring) -> (state: String, reason: String)? {
        for severity in ["FATAL:  ", "ERROR:  ", "PANIC:  "] {
            guard let range = firstRange(of: severity, in: String(line)) else { continue }
            let rest = String(line)[range.upperBound...]
            let state = rest.prefix(5)
            guard state.utf8.allSatisfy(isStateCharacter), rest.dropFirst(5).hasPrefix(": ") else { continue }
            return (String(state), String(rest.dropFirst(7)))
        }
        return nil
    }

    private static func isStateCharacter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// What a failed statement's result says. Class 22 is about the data and quotes it; other messages count only when
    /// no parameter is found in them.
    static func server(_ result: ResultHandle, _ parameters: [String]) -> PostgresError {
        let state = result.field(.sqlState) ?? "XX000"
        var reason = result.field(.message) ?? "no reason given"
        let quotesData = parameters.contains { $0.utf8.count > 2 && firstRange(of: $0, in: reason) != nil }
        if state.hasPrefix("22") {
            reason = "a value does not fit its type or range"
        } else if quotesData {
            reason = "for a reason that quotes a parameter"
        }
        return PostgresError(.server(state), sentence("Postgres refused the statement (\(state)): \(reason)"))
    }

    static func lost(_ place: PostgresURL, _ farewell: PostgresError?) -> PostgresError {
        let reason = farewell.map { ", saying \($0.sqlState ?? "nothing")" } ?? ""
        return PostgresError(
            .connectionLost,
            "The connection to \(place) was lost\(reason).",
            sqlState: farewell?.sqlState
        )
    }

    /// One line that ends in one full stop.
    private static func sentence(_ text: String) -> String {
        var line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        while line.last == "." || line.last == " " { line.removeLast() }
        return line + "."
    }

    private static func firstRange(of needle: String, in text: String) -> Range<String.Index>? {
        guard !needle.isEmpty else { return nil }
        return text.firstRange(of: needle)
    }
}
