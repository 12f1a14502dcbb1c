import Foundation
import Testing

/// That a value never becomes a part of a statement's text: it is a parameter, or the statement is not written.
struct StatementSourceTests {
    /// Literals of ours that are put into others, and numbers that are ours. Whoever adds a line here has looked at where
    /// each of its interpolations comes from.
    private static let known: Set<String> = [
        "Sources/Storage/SQLite/Statements.swift: productColumns",
        "Sources/Storage/SQLite/Statements.swift: orderColumns",
        "Sources/Storage/Postgres/ShopStatements.swift: product",
        "Sources/Storage/Postgres/ShopStatements.swift: order",
        "Sources/Storage/Postgres/ShopStatements.swift: newest",
        #"Sources/Storage/SQLite/Statements.swift: orderColumns.split(separator: ", ").map { "o.\($0)" }.joined(separator: ", ")"#,
        "Sources/Storage/SQLite/Statements.swift: settled", "Sources/Storage/Upstream/PushStatements.swift: digest",
        // A literal that the caller, a query of ours, is written with.
        "Sources/Storage/SQLite/ShopDatabase+Settled.swift: condition",
        // A statement of ours, and the condition that slows it down.
        "Sources/Storage/SQLite/Statements.swift: $0", "Sources/Storage/Postgres/ShopStatements.swift: text",
        "Sources/Storage/Postgres/ShopStatements.swift: condition",
        // The number of a parameter.
        "Sources/Storage/Postgres/ShopStatements.swift: Self.nextParameter(text)",
        // An enumeration's own word; a savepoint's name, which is a count.
        "Sources/Clients/PostgresClient/PostgresConnection+Transactions.swift: level",
        "Sources/Clients/PostgresClient/PostgresConnection+Transactions.swift: name",
        // Redis' SELECT: the number of a database, an argument by itself.
        "Sources/Clients/RedisClient/RedisConnection.swift: database",
        // Conditions of literals, with `?` for each value.
        "Sources/Telemetry/Buffer/Reader/SliceReader.swift: condition",
        "Sources/Telemetry/Buffer/Reader/SliceReader.swift: conditions",
        "Sources/Telemetry/Buffer/Reader/SliceReader.swift: conditions.isTrace",
        "Sources/Telemetry/Buffer/Reader/SliceReader.swift: conditions.isBetween",
        "Sources/Telemetry/Buffer/Reader/TraceDelivery.swift: conditions.isTrace",
        // Numbers and words of ours: PRAGMA takes no parameters.
        "Sources/Telemetry/Buffer/Writer/Database.swift: steps.count",
        "Sources/Telemetry/Buffer/Writer/SliceWriter.swift: pages",
        #"Sources/Telemetry/Buffer/Writer/SliceWriter.swift: isRefusing ? "ON" : "OFF""#,
    ]

    @Test("No statement in Sources has a value put into its text")
    func statements() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = top.appending(path: "Sources")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        // The benchmark makes databases of its own; a database's name is no parameter either.
        let files = names.filter { $0.hasSuffix(".swift") && !$0.hasPrefix("popshop-bench/") }
        var found: Set<String> = []
        for name in files {
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            for literal in Self.literals(text) where Self.isStatement(literal) {
                for value in Self.interpolations(literal) { found.insert("Sources/\(name): \(value)") }
            }
        }
        #expect(files.count > 200)
        #expect(found.subtracting(Self.known).sorted() == [], "not known")
        #expect(Self.known.subtracting(found).sorted() == [], "no longer there")
    }

    @Test(
        "What it looks for is found",
        arguments: [
            (#"let sql = "SELECT * FROM orders WHERE user_id = '\(user)'""#, ["user"]),
            (
                #"try db.execute(sql: "DELETE FROM t WHERE a IN (\(ids.map { "\($0)" }.joined()))")"#,
                [#"ids.map { "\($0)" }.joined()"#]
            ),
            (#"logger.error("The order \(id) cannot be selected")"#, []), (#"// SELECT \(x)"#, []),
        ]
    )
    func planted(line: String, values: [String]) {
        #expect((Self.isStatement(line[...]) ? Self.interpolations(line[...]) : []) == values)
    }

    /// Lines, and literals of several lines as a whole.
    private static func literals(_ text: String) -> [Substring] {
        text.split(separator: "\"\"\"", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
            // Between the marks is the literal, which begins with what stands for its quote.
            index.isMultiple(of: 2) ? part.split(separator: "\n") : [Substring("\"" + part)]
        }
    }

    /// A line that is no comment and has SQL's own words in a literal, in capitals as all statements here.
    private static func isStatement(_ line: Substring) -> Bool {
        guard let quote = line.firstIndex(of: "\""), !line.drop(while: { $0 == " " }).hasPrefix("//") else {
            return false
        }
        let words = line[quote...].split { !$0.isLetter && $0 != "_" }
        let verbs: Set<Substring> = [
            "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "PRAGMA", "BEGIN", "VALUES", "WHERE",
            "FROM",
            "ORDER", "SAVEPOINT", "ATTACH", "TRUNCATE", "COPY", "LISTEN", "NOTIFY", "GRANT",
        ]
        return words.contains { verbs.contains($0) }
    }

    /// What stands in `\(…)`, with the brackets within.
    private static func interpolations(_ line: Substring) -> [String] {
        var (values, rest) = ([String](), line)
        while let start = rest.firstRange(of: "\\(") {
            var (depth, end) = (1, start.upperBound)
            while end < rest.endIndex, depth > 0 {
                if rest[end] == "(" { depth += 1 } else if rest[end] == ")" { depth -= 1 }
                end = rest.index(after: end)
            }
            values.append(String(rest[start.upperBound..<rest.index(before: end)]))
            rest = rest[end...]
        }
        return values
    }
}
