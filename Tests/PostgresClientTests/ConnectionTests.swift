import ConnectionPool
import Foundation
import PostgresClient
import PostgresTestSupport
import Testing

extension WithPostgres {
    struct ConnectionTests {
        @Test func `a statement that is too slow is cancelled and the connection goes on`() async throws {
            let connection = try await TestServer.connect()
            let error = await failure {
                try await connection.execute("SELECT pg_sleep(600)", timeout: .milliseconds(100))
            }
            #expect(error?.code == .timeout)
            #expect(error?.isOneSentence == true)
            #expect(try await connection.execute("SELECT 1 AS n").only().read("n") == 1)
            let late = await failure {
                _ = try await connection.pipeline(
                    [PostgresStatement("SELECT pg_sleep(600)"), PostgresStatement("SELECT 1")],
                    timeout: .milliseconds(100)
                )
            }
            #expect(late?.code == .timeout)
            #expect(connection.isReusable)
            await connection.close()
        }

        @Test func `a cancelled task's statement is cancelled, and its pool stays usable`() async throws {
            let pool = PostgresPool(try TestServer.configuration(), pool: PoolConfiguration(size: 1))
            let watcher = try await TestServer.connect()
            let id = try await pool.withConnection { await $0.backendID }
            let task = Task { try await pool.execute("SELECT pg_sleep(600)") }
            try await until(watcher, id, "wait_event = 'PgSleep'")
            task.cancel()
            let error = await failure { _ = try await task.value }
            #expect(error?.code == .cancelled)
            try await until(watcher, id, "state = 'idle'")
            #expect(try await pool.withConnection { await $0.backendID } == id)
            await pool.closeIdle()
            await watcher.close()
        }

        @Test func `a killed session is connectionLost, and the next use has a new one`() async throws {
            let pool = PostgresPool(try TestServer.configuration(), pool: PoolConfiguration(size: 1))
            let watcher = try await TestServer.connect()
            let id = try await pool.withConnection { await $0.backendID }
            let task = Task { try await pool.execute("SELECT pg_sleep(600)") }
            try await until(watcher, id, "wait_event = 'PgSleep'")
            try await watcher.execute("SELECT pg_terminate_backend($1)", [.int(id)])
            let error = await failure { _ = try await task.value }
            #expect(error?.code == .connectionLost)
            // Its last words may be lost with the connection; when they are heard they are these.
            #expect([nil, "57P01"].contains(error?.sqlState))
            #expect(error?.isTransient == true)
            #expect(try await pool.execute("SELECT 1 AS n").only().read("n") == 1)
            #expect(try await pool.withConnection { await $0.backendID } != id)
            await pool.closeIdle()
            await watcher.close()
        }

        @Test func `a transaction is undone when its closure throws, fails or is cancelled`() async throws {
            struct Regret: Error {}
            let connection = try await TestServer.connect()
            try await connection.executeScript("CREATE TEMPORARY TABLE facts (n int PRIMARY KEY)")
            await #expect(throws: Regret.self) {
                try await connection.withTransaction { connection in
                    try await connection.execute("INSERT INTO facts VALUES (1)")
                    throw Regret()
                }
            }
            let passedOver = await failure {
                try await connection.withTransaction { connection in
                    try await connection.execute("INSERT INTO facts VALUES (2)")
                    _ = await failure { _ = try await connection.execute("SELECT 1/0") }
                }
            }
            #expect(passedOver?.sqlState == "25P02")
            let (begun, report) = AsyncStream<Void>.makeStream()
            let task = Task {
                try await connection.withTransaction { connection in
                    try await connection.execute("INSERT INTO facts VALUES (3)")
                    report.yield()
                    try await connection.execute("SELECT pg_sleep(600)")
                }
            }
            for await _ in begun { break }
            task.cancel()
            #expect(await failure { try await task.value }?.code == .cancelled)
            #expect(connection.isReusable)
            #expect(try await connection.execute("SELECT n FROM facts").isEmpty)
            await connection.close()
        }

        @Test func `a savepoint undoes its own part only`() async throws {
            let connection = try await TestServer.connect()
            try await connection.executeScript("CREATE TEMPORARY TABLE facts (n int PRIMARY KEY)")
            try await connection.withTransaction { connection in
                var seen: [String?] = []
                for number in [1, 2, 1, 3] {
                    let error = await failure {
                        try await connection.withSavepoint { connection in
                            _ = try await connection.execute("INSERT INTO facts VALUES ($1)", [.int(number)])
                        }
                    }
                    seen.append(error?.sqlState)
                }
                #expect(seen == [nil, nil, "23505", nil])
                let nested = await failure { try await connection.withTransaction { _ in } }
                #expect(nested?.code == .protocolViolation)
            }
            let rows = try await connection.execute("SELECT n FROM facts ORDER BY n")
            #expect(try rows.map { try $0.read("n", as: Int.self) } == [1, 2, 3])
            await connection.close()
        }

        @Test func `fifty tasks share five connections`() async throws {
            let pool = PostgresPool(try TestServer.configuration(), pool: PoolConfiguration(size: 5))
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        try await pool.execute("SELECT $1::int AS n, pg_sleep(0.002)", [.int(number)]).only().read("n")
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 1225)
            #expect(pool.statistics.active == 0)
            await pool.closeIdle()
        }

        @Test func `one connection does one statement at a time`() async throws {
            let connection = try await TestServer.connect()
            let watcher = try await TestServer.connect()
            let task = Task { try await connection.execute("SELECT pg_sleep(600)") }
            try await until(watcher, await connection.backendID, "wait_event = 'PgSleep'")
            #expect(await failure { try await connection.execute("SELECT 1") }?.code == .protocolViolation)
            await connection.close()
            #expect(await failure { _ = try await task.value }?.code == .connectionLost)
            await watcher.close()
        }

        @Test func `a connection given back with a transaction open is not lent again`() async throws {
            let pool = PostgresPool(try TestServer.configuration(), pool: PoolConfiguration(size: 1))
            let id = try await pool.withConnection { connection in
                try await connection.executeScript("BEGIN")
                return await connection.backendID
            }
            #expect(try await pool.withConnection { await $0.backendID } != id)
            await pool.closeIdle()
        }

        @Test(arguments: [
            ("password=wrong-secret", "28P01"), ("dbname=nowhere", "3D000"), ("user=nobody", "28P01"),
        ])
        func `a refusal to connect is one sentence with its SQLSTATE`(change: String, state: String) async throws {
            let configuration = try TestServer.configuration(change)
            let error = await failure { _ = try await PostgresConnection.connect(configuration) }
            #expect(error?.code == .connectionFailed)
            #expect(error?.sqlState == state)
            #expect(error?.isTransient == false)
            #expect(error?.isOneSentence == true)
            #expect(error?.message.contains("secret") == false)
        }

        @Test func `two hundred connections leave no descriptor behind`() async throws {
            try await TestServer.connect().close()
            let before = descriptors()
            for _ in 0..<200 {
                let connection = try await TestServer.connect()
                try await connection.execute("SELECT 1")
                await connection.close()
            }
            // Tests of other suites run beside this one.
            #expect(descriptors() < before + 50)
        }

        private func descriptors() -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        }

        /// Asks the server, again and again, until it says that a session is in this state.
        private func until(_ watcher: PostgresConnection, _ id: Int, _ state: String) async throws {
            let question = "SELECT count(*) AS n FROM pg_stat_activity WHERE pid = $1 AND \(state)"
            while try await watcher.execute(question, [.int(id)]).only().read("n", as: Int.self) == 0 {}
        }
    }

    /// Over TCP, where the server has TLS; only in the network it was started in.
    struct TLSTests {
        @Test(.enabled("The server of POPSHOP_TEST_POSTGRES takes no TLS on 127.0.0.1 here.") { await hasTLS() })
        func `a large answer over TLS is whole`() async throws {
            let configuration = try TestServer.configuration("host=127.0.0.1&sslmode=require")
            let connection = try await PostgresConnection.connect(configuration)
            let row = try await connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").only()
            #expect(try row.read("ssl") == true)
            for length in stride(from: 1_000, through: 400_000, by: 7_919) {
                let row = try await connection.execute("SELECT repeat('x', $1) AS t", [.int(length)]).only()
                #expect(try row.read("t", as: String.self).utf8.count == length)
            }
            await connection.close()
        }

        private static func hasTLS() async -> Bool {
            let error = await failure {
                let configuration = try TestServer.configuration("host=127.0.0.1&sslmode=require")
                try await PostgresConnection.connect(configuration).close()
            }
            return error == nil
        }
    }
}
