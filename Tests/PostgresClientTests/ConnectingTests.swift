import PostgresClient
import Synchronization
import Testing

/// What needs no Postgres.
struct ConnectingTests {
    @Test(arguments: [
        ("postgresql://u:p%40ss@db.example:6432/shop?sslmode=require", "Postgres at db.example:6432 (shop)"),
        ("postgres://db.example", "Postgres at db.example:5432"),
        ("postgresql:///shop?host=/run/pg&user=u&password=p", "Postgres at /run/pg:5432 (shop)"),
        ("postgresql://one:1,two:2/shop?target_session_attrs=read-write", "Postgres at one:1 (shop)"),
        ("postgresql://[::1]:5433/shop", "Postgres at ::1:5433 (shop)"),
        ("host=db port=1 dbname=shop password=x", "Postgres at db:1 (shop)"),
    ])
    func `a libpq URI describes itself without its secrets`(url: String, description: String) throws {
        let parsed = try PostgresURL(url)
        #expect("\(parsed)" == description)
        var dumped = ""
        dump(parsed, to: &dumped)
        #expect(!dumped.contains("p@ss") && !dumped.contains("p%40ss"))
    }

    @Test(arguments: [
        "", "hunter2", "https://u:hunter2@db/shop", "postgresql://u:hunter2%zz@db/shop",
        "postgresql://u:hunter2@db/shop?nonsense=1", "postgresql://u:hunter2@[::1/shop", "postgresql://u\0:hunter2@db",
    ])
    func `what is no URI is refused without being repeated`(url: String) async {
        let error = await failure { _ = try PostgresConfiguration(url: url) }
        #expect(error?.code == .invalidURL)
        #expect(error?.isOneSentence == true)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test func `connect_timeout in the URI bounds connecting`() throws {
        #expect(try PostgresConfiguration(url: "postgresql://db/?connect_timeout=7").connectTimeout == .seconds(7))
        #expect(try PostgresConfiguration(url: "postgresql://db/").connectTimeout == .seconds(5))
    }

    @Test func `a server that never answers is given up after the connect timeout`() async throws {
        let server = try FakeServer(FakeServer.stall)
        let configuration = try server.configuration(connectTimeout: .milliseconds(200))
        let error = await failure { _ = try await PostgresConnection.connect(configuration) }
        #expect(error?.code == .connectionFailed)
        #expect(error?.message.contains("within 0.2 seconds") == true)
        #expect(error?.isTransient == true)
    }

    @Test func `a cancelled task does not wait for the server`() async throws {
        let (accepted, report) = AsyncStream<Void>.makeStream()
        let server = try FakeServer { client in
            report.yield()
            FakeServer.stall(client)
        }
        let configuration = try server.configuration(connectTimeout: .seconds(600))
        let task = Task { try await PostgresConnection.connect(configuration) }
        for await _ in accepted { break }
        task.cancel()
        let error = await failure { _ = try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test func `a server that talks garbage or hangs up is one sentence`() async throws {
        let garbage = try FakeServer { client in
            _ = FakeServer.read(client)
            FakeServer.write(client, Array("HTTP/1.1 400 Bad Request\r\n\r\n<html>hunter2-secret</html>".utf8))
            FakeServer.stall(client)
        }
        let mute = try FakeServer { _ = FakeServer.read($0) }
        for server in [garbage, mute] {
            for mode in ["disable", "prefer", "require"] {
                let configuration = try server.configuration("sslmode=\(mode)")
                let error = await failure { _ = try await PostgresConnection.connect(configuration) }
                #expect(error?.code == .connectionFailed)
                #expect(error?.isOneSentence == true)
                #expect(error?.message.contains("hunter2") == false)
            }
        }
    }

    @Test func `sslmode=require sends nothing in the clear to a server without TLS`() async throws {
        let heard = Mutex<[[UInt8]]>([])
        let server = try FakeServer { client in
            while true {
                let bytes = FakeServer.read(client)
                guard !bytes.isEmpty else { return }
                heard.withLock { $0.append(bytes) }
                FakeServer.write(client, Array("N".utf8))
            }
        }
        let configuration = try server.configuration("sslmode=require")
        let error = await failure { _ = try await PostgresConnection.connect(configuration) }
        #expect(error?.message.contains("SSL") == true)
        // An SSLRequest (PostgreSQL documentation, *SSL Session Encryption*) and nothing after it.
        #expect(heard.withLock { $0 } == [[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]])
    }

    @Test func `a port that nobody listens on and a name without an address are one sentence each`() async throws {
        for url in ["postgresql://u:hunter2@127.0.0.1:1/shop", "postgresql://u:hunter2@no-such-host.invalid/shop"] {
            let configuration = try PostgresConfiguration(url: url, connectTimeout: .seconds(10))
            let error = await failure { _ = try await PostgresConnection.connect(configuration) }
            #expect(error?.isConnectionLost == true)
            #expect(error?.isTransient == true)
            #expect(error?.isOneSentence == true)
            #expect(error?.message.contains("hunter2") == false)
        }
    }

    @Test(arguments: [
        ("40P01", true), ("40001", true), ("57P01", true), ("53300", true), ("25006", true), ("08006", true),
        ("28P01", false), ("3D000", false), ("42P01", false), ("23505", false), ("22P02", false),
    ])
    func `an SQLSTATE tells whether trying again may help`(state: String, isTransient: Bool) {
        #expect(PostgresError(.server(state), "It.").isTransient == isTransient)
    }
}
