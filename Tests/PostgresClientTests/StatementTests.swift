import ConnectionPool
import PostgresClient
import PostgresTestSupport
import Testing

extension WithPostgres {
    struct StatementTests {
        @Test func `an array comes as it went, whatever is in its texts`() async throws {
            let connection = try await TestServer.connect()
            let texts = ["", "NULL", nil, "a,b", "{}", "\"\\", "O'Brien", " ", "日本 🎈", "\n\t", "e\u{301}", "\\\u{301}"]
            let rows = try await connection.execute("SELECT unnest($1::text[]) AS t", [.array(texts)])
            #expect(try rows.map { try $0.read("t", as: String?.self) } == texts)
            #expect(try await connection.execute("SELECT unnest($1::text[])", [.array([String?]())]).isEmpty)
            let numbers = try await connection.execute("SELECT unnest($1::bigint[]) AS n", [.array([Int64.min, 0, 7])])
            #expect(try numbers.map { try $0.read("n", as: Int64.self) } == [Int64.min, 0, 7])
            await connection.close()
        }

        @Test func `every type comes back as it went, NULL included`() async throws {
            let connection = try await TestServer.connect()
            try await connection.executeScript(
                """
                CREATE TEMPORARY TABLE things (
                    i integer, b bigint, t text, f boolean, d double precision, n numeric(12,2), u uuid, z timestamptz,
                    y bytea, c char(3)
                )
                """
            )
            let text = "O'Brien \"\\ ; -- 日本 🎈\n\t$1 %s"
            let id = "01900000-0000-7000-8000-000000000001"
            let bytes = (0...255).map { UInt8($0) }
            try await connection.execute(
                "INSERT INTO things VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                [
                    .int(-7), .int(Int64.min), .string(text), true, .double(0.1), .decimal("1299.90"), .uuid(id),
                    .timestamp(PostgresTimestamp(milliseconds: 1_769_860_800_123)), .bytes(bytes), "USD",
                ]
            )
            try await connection.execute(
                "INSERT INTO things VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                Array(repeating: .null, count: 10)
            )
            let rows = try await connection.execute("SELECT * FROM things ORDER BY i NULLS LAST")
            #expect(rows.count == 2)
            let row = rows[0]
            #expect(try row.read("i") == -7)
            #expect(try row.read("b") == Int64.min)
            #expect(try row.read("t") == text)
            #expect(try row.read("f") == true)
            #expect(try row.read("d") == 0.1)
            #expect(try row.read("n") == "1299.90")
            #expect(try row.read("u") == id)
            #expect(try row.read("z", as: PostgresTimestamp.self).milliseconds == 1_769_860_800_123)
            #expect(try row.read("y") == bytes)
            #expect(try row.read(at: 9) == "USD")
            let null = rows[1]
            #expect(try null.read("i", as: Int?.self) == nil)
            #expect(try null.read("t", as: String?.self) == nil)
            #expect(try null.read("z", as: PostgresTimestamp?.self) == nil)
            await connection.close()
        }

        @Test func `an empty text is not NULL, and a large one is whole`() async throws {
            let connection = try await TestServer.connect()
            let large = String(repeating: "é漢", count: 1 << 20)
            let row = try await connection.execute(
                "SELECT $1::text AS a, $2::bytea AS b, $3::text AS c",
                ["", .bytes([]), .string(large)]
            ).only()
            #expect(try row.read("a") == "")
            #expect(try row.read("b") == [UInt8]())
            #expect(try row.read("c", as: String.self) == large)
            await connection.close()
        }

        @Test(arguments: [
            0, 1, -1, 1_769_860_800_123, -62_135_596_800_000, -62_135_596_800_001, 253_402_300_800_000,
            -100_000_000_000_000, 951_782_400_000, 4_107_542_399_999,
        ])
        func `a point in time is the server's own, in any zone`(milliseconds: Int64) async throws {
            let connection = try await TestServer.connect()
            for zone in ["UTC", "Asia/Kolkata", "America/St_Johns", "Europe/Amsterdam"] {
                try await connection.executeScript("SET TimeZone TO '\(zone)'")
                let row = try await connection.execute(
                    "SELECT $1::timestamptz AS z, floor(extract(epoch FROM $1::timestamptz) * 1000)::bigint AS ms",
                    [.timestamp(PostgresTimestamp(milliseconds: milliseconds))]
                ).only()
                #expect(try row.read("z", as: PostgresTimestamp.self).milliseconds == milliseconds)
                #expect(try row.read("ms") == milliseconds)
            }
            await connection.close()
        }

        @Test func `a database whose dates are in another style is read all the same`() async throws {
            let configuration = try TestServer.configuration("options=-c%20DateStyle%3DGerman")
            let connection = try await PostgresConnection.connect(configuration)
            let row = try await connection.execute("SELECT to_timestamp(86400) AS z").only()
            #expect(try row.read("z", as: PostgresTimestamp.self).milliseconds == 86_400_000)
            await connection.close()
        }

        @Test func `reading a value as what it is not throws`() async throws {
            let connection = try await TestServer.connect()
            let row = try await connection.execute(
                "SELECT 1 AS i, 'x'::text AS t, NULL::int AS n, 'infinity'::timestamptz AS z, 1.5::numeric AS d"
            ).only()
            #expect(throws: PostgresError.self) { try row.read("t", as: Int.self) }
            #expect(throws: PostgresError.self) { try row.read("i", as: String.self) }
            #expect(throws: PostgresError.self) { try row.read("i", as: Bool.self) }
            #expect(throws: PostgresError.self) { try row.read("n", as: Int.self) }
            #expect(throws: PostgresError.self) { try row.read("z", as: PostgresTimestamp.self) }
            #expect(throws: PostgresError.self) { try row.read("d", as: Double.self) }
            #expect(throws: PostgresError.self) { try row.read("absent", as: Int.self) }
            #expect(throws: PostgresError.self) { try row.read(at: 9, as: Int.self) }
            await connection.close()
        }

        @Test(arguments: ["'; DROP TABLE victims; --", "$1", "\\'; SELECT pg_sleep(9)", "x' OR '1'='1", "%27"])
        func `a parameter is data, whatever it says`(evil: String) async throws {
            let connection = try await TestServer.connect()
            try await connection.executeScript("CREATE TEMPORARY TABLE victims (name text)")
            try await connection.execute("INSERT INTO victims VALUES ($1)", [.string(evil)])
            let rows = try await connection.execute("SELECT name FROM victims WHERE name = $1", [.string(evil)])
            #expect(try rows.only().read("name") == evil)
            await connection.close()
        }

        @Test func `a refused statement leaves the connection usable and repeats no parameter`() async throws {
            let connection = try await TestServer.connect()
            let syntax = await failure { _ = try await connection.execute("SELEC 1") }
            #expect(syntax?.sqlState == "42601")
            #expect(syntax?.isOneSentence == true)
            let value = await failure { _ = try await connection.execute("SELECT $1::int", ["secret-value"]) }
            #expect(value?.sqlState == "22P02")
            let raised = await failure {
                try await connection.execute("SELECT format('%s', $1::text)::regclass", ["secret-value"])
            }
            for error in [value, raised] { #expect(error?.message.contains("secret-value") == false) }
            let nul = await failure { _ = try await connection.execute("SELECT $1::text", ["a\0b"]) }
            #expect(nul?.code == .invalidParameter)
            let copy = await failure { _ = try await connection.execute("COPY (SELECT 1) TO STDOUT") }
            #expect(copy?.code == .protocolViolation)
            #expect(!connection.isReusable)
        }

        @Test func `a prepared statement survives DEALLOCATE and a change of the schema`() async throws {
            let connection = try await TestServer.connect()
            try await connection.executeScript("CREATE TEMPORARY TABLE changing AS SELECT 1 AS a")
            #expect(try await connection.execute("SELECT * FROM changing").only().read("a") == 1)
            try await connection.executeScript("DEALLOCATE ALL")
            #expect(try await connection.execute("SELECT * FROM changing").only().read("a") == 1)
            try await connection.executeScript("ALTER TABLE changing ALTER a TYPE text")
            #expect(try await connection.execute("SELECT * FROM changing").only().read("a") == "1")
            await connection.close()
        }

        @Test func `a pipeline answers in order, and its failure undoes all of it`() async throws {
            let connection = try await TestServer.connect()
            try await connection.executeScript("CREATE TEMPORARY TABLE lines (n int PRIMARY KEY, t text)")
            let filler = String(repeating: "x", count: 10_000)
            let inserts = (0..<500).map {
                PostgresStatement("INSERT INTO lines VALUES ($1, $2) RETURNING n", [.int($0), .string(filler)])
            }
            let rows = try await connection.pipeline(inserts)
            #expect(try rows.map { try $0.only().read("n", as: Int.self) } == Array(0..<500))
            let error = await failure {
                _ = try await connection.pipeline([
                    PostgresStatement("DELETE FROM lines"), PostgresStatement("SELECT 1 / $1::int", [0]),
                    PostgresStatement("SELECT 1"),
                ])
            }
            #expect(error?.sqlState == "22012")
            #expect(try await connection.execute("SELECT count(*) AS n FROM lines").only().read("n") == 500)
            #expect(connection.isReusable)
            await connection.close()
        }

        @Test func `what the server notices does not disturb an answer`() async throws {
            let connection = try await TestServer.connect()
            try await connection.executeScript("DO $$ BEGIN RAISE WARNING 'look'; END $$; SELECT 1")
            #expect(connection.isReusable)
            await connection.close()
        }
    }
}
