import HTTPClient
import HTTPTypes
import Synchronization
import Testing

private let idempotencyKey = HTTPFields(
    HTTPField.Name("Idempotency-Key").map { [HTTPField(name: $0, value: "7")] } ?? []
)

@Suite("Connections", .timeLimit(.minutes(15)))
struct ConnectionTests {
    @Test("Requests one after another share one connection")
    func keepAlive() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        for number in 0..<200 {
            let body = [UInt8](repeating: 0x61, count: number)
            let response = try await client.send(OutgoingRequest(method: .post, url: server.url, body: body))
            #expect(response.status == .ok)
        }
        #expect(server.requests.count == 200)
        #expect(server.accepted == 1)
    }

    @Test("200 requests at once are all answered, each with its own answer, over no more connections than allowed")
    func concurrent() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.readRequest() { connection.answer(request.split(separator: " ")[1] + "") }
        }
        defer { server.stop() }
        let client = try CurlClient(configuration: .init(maximumConnections: 16, maximumConnectionsPerHost: 8))
        try await withThrowingTaskGroup { group in
            for number in 0..<200 {
                group.addTask {
                    let response = try await client.send(OutgoingRequest(url: server.url + "\(number)"))
                    #expect(response.body == Array("/\(number)".utf8))
                }
            }
            try await group.waitForAll()
        }
        #expect(server.requests.count == 200)
        #expect((1...8).contains(server.accepted))
    }

    @Test("A kept-alive connection that the server has closed is replaced", arguments: [HTTPRequest.Method.get, .post])
    func closedWhileIdle(method: HTTPRequest.Method) async throws {
        let server = try ScriptedServer { connection in
            if connection.readRequest() != nil { connection.answer() }
        }
        defer { server.stop() }
        let client = try CurlClient()
        for _ in 0..<20 {
            let response = try await client.send(OutgoingRequest(method: method, url: server.url, body: [0x78]))
            #expect(response.status == .ok)
            await server.waitForEnds()
        }
        #expect(server.requests.count == 20)
    }

    /// Answers the first request, and drops its connection on reading the second.
    private func serverDroppingItsSecondRequest() throws -> ScriptedServer {
        let received = Mutex(0)
        return try ScriptedServer { connection in
            while connection.readRequest() != nil {
                let number = received.withLock { number in
                    number += 1
                    return number
                }
                if number == 2 { return }
                connection.answer()
            }
        }
    }

    @Test(
        "A repeatable request whose kept-alive connection ends under it is sent once more",
        arguments: [
            OutgoingRequest(method: .get, url: ""), OutgoingRequest(method: .put, url: "", body: [0x78]),
            OutgoingRequest(method: .post, url: "", headers: idempotencyKey, body: [0x78]),
        ]
    )
    func repeated(request: OutgoingRequest) async throws {
        let server = try serverDroppingItsSecondRequest()
        defer { server.stop() }
        let client = try CurlClient()
        var request = request
        request.url = server.url
        for _ in 0..<2 { #expect(try await client.send(request).status == .ok) }
        #expect(server.requests.count == 3)
        #expect(server.requests[1] == server.requests[2])
    }

    @Test("A POST whose kept-alive connection ends under it is not sent twice: the server may have acted on it")
    func notRepeated() async throws {
        let server = try serverDroppingItsSecondRequest()
        defer { server.stop() }
        let client = try CurlClient()
        let request = OutgoingRequest(method: .post, url: server.url, body: [0x78])
        #expect(try await client.send(request).status == .ok)
        let error = await failure(of: client, sending: request)
        #expect(error?.code == .badResponse)
        #expect(server.requests.count == 2)
        // And the client goes on.
        #expect(try await client.send(request).status == .ok)
    }

    @Test("A request that waits for a connection goes ahead when one is given up, whatever the reason")
    func waitingGoesAhead() async throws {
        let server = try ScriptedServer { connection in
            guard let request = connection.readRequest() else { return }
            if request.hasPrefix("GET /stall") { return connection.stall() }
            connection.answer()
        }
        defer { server.stop() }
        let configuration = CurlClient.Configuration(maximumConnectionsPerHost: 1, connectTimeout: .milliseconds(400))
        let client = try CurlClient(configuration: configuration)
        let holder = Task {
            try await client.send(OutgoingRequest(url: server.url + "stall", timeout: .milliseconds(1200)))
        }
        await server.waitForRequests()
        // Waits three times as long as connecting may take, which is no time-out of its own.
        async let first = client.send(OutgoingRequest(url: server.url))
        #expect(try await first.status == .ok)
        await #expect(throws: HTTPTransportError.self) { try await holder.value }

        let cancelled = Task { try await client.send(OutgoingRequest(url: server.url + "stall")) }
        await server.waitForRequests(2)
        async let second = client.send(OutgoingRequest(url: server.url))
        cancelled.cancel()
        #expect(try await second.status == .ok)
    }

    @Test("The time a request waits for a connection counts to its timeout")
    func waitingCounts() async throws {
        let server = try ScriptedServer { $0.stall() }
        defer { server.stop() }
        let client = try CurlClient(configuration: .init(maximumConnectionsPerHost: 1))
        let holder = Task { try await client.send(OutgoingRequest(url: server.url, timeout: .seconds(60))) }
        let error = await failure(of: client, sending: OutgoingRequest(url: server.url, timeout: .milliseconds(50)))
        #expect(error?.code == .timeout)
        holder.cancel()
        await #expect(throws: HTTPTransportError.self) { try await holder.value }
    }

    @Test("Requests that wait for a stalled host do not hold up another host")
    func noHeadOfLineBlocking() async throws {
        let stalled = try ScriptedServer { $0.stall() }
        let quick = try ScriptedServer { $0.serve() }
        defer {
            stalled.stop()
            quick.stop()
        }
        let client = try CurlClient(configuration: .init(maximumConnectionsPerHost: 2))
        let waiting = (0..<50).map { _ in
            Task { try await client.send(OutgoingRequest(url: stalled.url, timeout: .seconds(30))) }
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    let response = try await client.send(OutgoingRequest(url: quick.url, timeout: .seconds(5)))
                    #expect(response.status == .ok)
                }
            }
            try await group.waitForAll()
        }
        for task in waiting { task.cancel() }
        for task in waiting { await #expect(throws: HTTPTransportError.self) { try await task.value } }
    }
}
