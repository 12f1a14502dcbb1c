import ConnectionPool
import Glibc
import RedisClient
import Testing

/// With servers that do what no Redis does.
@Suite(.timeLimit(.minutes(1)))
struct BadServerTests {
    @Test("A server that is not there is a connectionFailed")
    func absent() async throws {
        let error = await failure {
            _ = try await RedisConnection.connect(
                RedisConfiguration(url: "unix:///nowhere/redis.sock", timeout: .seconds(20))
            )
        }
        #expect(error?.code == .connectionFailed)
        #expect(error?.message == "Redis at /nowhere/redis.sock cannot be used: No such file or directory.")
    }

    @Test(
        "What does not speak the protocol is found out while connecting",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{0}\u{1}\u{2}", "$-5\r\n", "*9999999999999\r\n",
            "+OK\r\n+OK\r\n+OK\r\n",
        ]
    )
    func garbage(answer: String) async throws {
        let server = try FakeRedis(after: answer, answering: "")
        let error = await failure { _ = try await RedisConnection.connect(server.configuration()) }
        #expect(error?.code == .connectionFailed && error?.message.contains("does not speak") == true)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test("An error while connecting is one sentence without what the server quotes")
    func refusing() async throws {
        let server = try FakeRedis(after: "-LOADING hunter2-secret\r\n-LOADING hunter2-secret\r\n", answering: "")
        let error = await failure { _ = try await RedisConnection.connect(server.configuration()) }
        #expect(error?.code == .connectionFailed && error?.message.contains("LOADING") == true)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test("A server that takes connections and says nothing costs half of the time-out")
    func silentAtFirst() async throws {
        let server = try FakeRedis { while !FakeRedis.read($0).isEmpty {} }
        let began = ContinuousClock.now
        let error = await failure {
            _ = try await RedisConnection.connect(server.configuration(timeout: .milliseconds(200)))
        }
        #expect(error?.code == .connectionFailed)
        #expect(ContinuousClock.now - began >= .milliseconds(100))
    }

    @Test(
        "After a time-out, a hang-up or nonsense the connection is of no more use",
        arguments: [("", RedisError.Code.timeout), ("?", .protocolViolation), (":1\r\n:2\r\n", .protocolViolation)]
    )
    func unusable(answer: String, code: RedisError.Code) async throws {
        let server = try FakeRedis(after: "+OK\r\n+PONG\r\n", answering: answer)
        let connection = try await RedisConnection.connect(server.configuration())
        #expect(connection.isReusable)
        let error = await failure { try await connection.execute(RedisCommand("GET", "a"), timeout: .milliseconds(50)) }
        #expect(error?.code == code && !connection.isReusable)
        #expect(await failure { try await connection.execute(RedisCommand("PING")) }?.code == .connectionLost)
    }

    @Test("An answer without end is cut off")
    func endless() async throws {
        let server = try FakeRedis { client in
            _ = FakeRedis.read(client)
            FakeRedis.write(client, Array("+OK\r\n+PONG\r\n".utf8))
            _ = FakeRedis.read(client)
            FakeRedis.write(client, Array("$500000000\r\n".utf8))
            while FakeRedis.write(client, [UInt8](repeating: 65, count: 1 << 16)) {}
        }
        let connection = try await RedisConnection.connect(server.configuration())
        let error = await failure { try await connection.execute(RedisCommand("GET", "a")) }
        #expect(error?.code == .protocolViolation)
    }

    @Test("A pool replaces connections that the server has left")
    func pool() async throws {
        // Each connection is good for one command.
        let server = try FakeRedis { client in
            for answer in ["+OK\r\n+PONG\r\n", ":1\r\n"] where !FakeRedis.read(client).isEmpty {
                FakeRedis.write(client, Array(answer.utf8))
            }
        }
        let pool = RedisPool(try server.configuration(timeout: .seconds(60)), size: 1)
        for _ in 0..<20 {
            // The farewell may be on its way when the connection is lent again.
            let error = await failure {
                let reply = try await pool.execute(RedisCommand("INCR", "a"))
                #expect(reply == .integer(1))
            }
            #expect(error == nil || error?.code == .connectionLost)
        }
        await pool.closeIdle()
        #expect(pool.statistics.active == 0)
    }

    @Test("Waiting in line for a connection has an end")
    func line() async throws {
        let server = try FakeRedis { client in
            if !FakeRedis.read(client).isEmpty { FakeRedis.write(client, Array("+OK\r\n+PONG\r\n".utf8)) }
            while !FakeRedis.read(client).isEmpty {}
        }
        let pool = RedisPool(try server.configuration(timeout: .seconds(4)), size: 1)
        // On a busy machine connecting may take longer than its time.
        while await failure({ try await pool.withConnection { _, _ in } }) != nil {}
        try await pool.withConnection { _, _ in
            _ = await #expect(throws: PoolError.self) { try await pool.execute(RedisCommand("PING")) }
        }
        await pool.closeIdle()
        #expect(pool.statistics.active == 0)
    }
}

@Suite("A connection to a Redis", .needsRedis, .timeLimit(.minutes(1)))
struct ConnectionTests {
    @Test("Values are bytes, whichever they are")
    func bytes() async throws {
        let pool = try await TestRedis.emptied(3)
        let key: [UInt8] = Array("a key\r\n\0".utf8)
        for value in [[], Array(UInt8.min...UInt8.max), [UInt8](repeating: 13, count: 1 << 20)] {
            #expect(try await pool.execute(RedisCommand("SET", [key, value])) == .status("OK"))
            #expect(try await pool.execute(RedisCommand("GET", [key])) == .string(value))
        }
    }

    @Test("Every kind of reply is read, and a pipeline goes on after an error in it")
    func kinds() async throws {
        let pool = try await TestRedis.emptied(4)
        let commands = [
            RedisCommand("SET", "a", "text"), RedisCommand("INCR", "a"), RedisCommand("GET", "b"),
            RedisCommand("INCR", "n"), RedisCommand("MGET", "a", "b"),
        ]
        let replies = try await pool.withConnection { try await $0.execute(commands, timeout: $1) }
        guard replies.count == 5, case .error = replies[1] else {
            Issue.record("the replies are \(replies)")
            return
        }
        #expect(replies[0] == .status("OK") && replies[2] == .null && replies[3] == .integer(1))
        #expect(replies[4] == .array([.string(Array("text".utf8)), .null]))
    }

    @Test("A pipeline of more than the line holds comes through")
    func large() async throws {
        let pool = try await TestRedis.emptied(5)
        let value = [UInt8](repeating: 7, count: 10_000)
        let commands = (0..<2000).map { _ in RedisCommand("ECHO", [value]) }
        let replies = try await pool.withConnection { try await $0.execute(commands, timeout: $1) }
        #expect(replies.count == 2000 && replies.allSatisfy { $0 == .string(value) })
    }

    @Test("A refusal leaves the connection usable, and says nothing of the arguments")
    func refused() async throws {
        let connection = try await RedisConnection.connect(TestRedis.configuration(3))
        let error = await failure { try await connection.execute(RedisCommand("NOSUCH", "hunter2")) }
        #expect(error?.code == .server("ERR") && error?.message.contains("hunter2") == false)
        #expect(connection.isReusable)
        #expect(try await connection.execute(RedisCommand("PING")) == .status("PONG"))
        await connection.close()
        #expect(!connection.isReusable)
    }

    @Test("A script is sent again to a server that has lost it")
    func script() async throws {
        // Of its own: scripts are the whole server's.
        let server = try RedisProcess()
        try await server.start()
        let connection = try await RedisConnection.connect(server.configuration(timeout: .seconds(120)))
        let script = RedisScript("return {KEYS[1], ARGV[1], #ARGV}")
        for round in 0..<4 {
            if round == 2 { try await connection.execute(RedisCommand("SCRIPT", "FLUSH")) }
            let reply = try await connection.execute(script, keys: [[1]], [[2], [3]])
            #expect(reply == .array([.string([1]), .string([2]), .integer(2)]))
        }
    }

    @Test("User, password and database of the URL are given, and refusals of them name no secret")
    func credentials() async throws {
        let administrator = try await RedisConnection.connect(TestRedis.configuration(0))
        let rules = ["ACL", "SETUSER", "popshop-test", "on", ">hunter2@", "~*", "+@all"]
        try await administrator.execute(RedisCommand(rules[0], rules.dropFirst().map { Array($0.utf8) }))
        let socket = try TestRedis.configuration(0).url.address
        func connect(_ password: String, _ database: Int) async throws -> RedisConnection {
            let url = "redis+unix://popshop-test:\(password)@\(socket)?db=\(database)"
            return try await RedisConnection.connect(RedisConfiguration(url: url, timeout: .seconds(10)))
        }
        let connection = try await connect("hunter2%40", 3)
        guard case .string(let user) = try await connection.execute(RedisCommand("ACL", "WHOAMI")) else { return }
        #expect(user == Array("popshop-test".utf8))
        for (password, database, word) in [("wrong-hunter2", 3, "WRONGPASS"), ("hunter2%40", 4711, "SELECT")] {
            let error = await failure { _ = try await connect(password, database) }
            #expect(error?.code == .connectionFailed && error?.message.contains(word) == true)
            #expect(error?.message.contains("hunter2") == false)
        }
        try await administrator.execute(RedisCommand("ACL", "DELUSER", "popshop-test"))
    }
}
