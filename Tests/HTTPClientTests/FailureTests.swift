import Glibc
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite("What goes wrong on the way", .timeLimit(.minutes(15)))
struct FailureTests {
    @Test("A server that never answers is a timeout", arguments: [Duration.milliseconds(50), .zero, .seconds(-1)])
    func stalled(timeout: Duration) async throws {
        let server = try ScriptedServer { $0.stall() }
        defer { server.stop() }
        let client = try CurlClient()
        let error = await failure(of: client, sending: OutgoingRequest(url: server.url, timeout: timeout))
        #expect(error?.code == .timeout)
    }

    @Test("A server that stops in the middle of its answer is a timeout")
    func stalledInContent() async throws {
        let server = try ScriptedServer { connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.stall()
        }
        defer { server.stop() }
        let client = try CurlClient()
        let request = OutgoingRequest(url: server.url, timeout: .milliseconds(100))
        #expect(await failure(of: client, sending: request)?.code == .timeout)
    }

    @Test("A host that takes no connection is a connect error, long before the request's timeout")
    func connectTimeout() async throws {
        // A listener whose queue is full lets the kernel drop every further SYN.
        let (listener, port) = try listenOnLoopback(backlog: 0)
        let fillers = (0..<4).map { _ in startConnecting(toLoopback: port) }
        defer { for socket in fillers + [listener] { close(socket) } }
        let client = try CurlClient(configuration: .init(connectTimeout: .milliseconds(100)))
        let request = OutgoingRequest(url: "http://127.0.0.1:\(port)/", timeout: .seconds(50))
        let error = await failure(of: client, sending: request)
        #expect(error?.code == .connect)
    }

    @Test(
        "What is not a whole HTTP answer is a bad response",
        arguments: [
            "", "garbage", "SSH-2.0-OpenSSH_9.2\r\n", "\0\u{1}\u{2}\u{3}", "HTTP/1.1", "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        ]
    )
    func badResponse(answer: String) async throws {
        let server = try ScriptedServer { connection in
            _ = connection.readRequest()
            connection.write(answer)
        }
        defer { server.stop() }
        let client = try CurlClient()
        let request = OutgoingRequest(url: server.url, timeout: .seconds(30))
        #expect(await failure(of: client, sending: request)?.code == .badResponse)
    }

    @Test(
        "An answer longer than allowed is abandoned before it is read, announced or not",
        arguments: ["Content-Length: 67108864\r\n", "", "Transfer-Encoding: chunked\r\n"]
    )
    func tooLarge(framing: String) async throws {
        let sent = Mutex(0)
        let server = try ScriptedServer { connection in
            guard connection.readRequest()?.hasPrefix("GET /small") == false else { return connection.answer() }
            connection.write("HTTP/1.1 200 OK\r\n\(framing)\r\n")
            let filler = String(repeating: "x", count: 1 << 16)
            let piece = framing.contains("chunked") ? "10000\r\n\(filler)\r\n" : filler
            while sent.withLock({ $0 }) < 64 << 20, connection.write(piece) { sent.withLock { $0 += 1 << 16 } }
        }
        defer { server.stop() }
        let client = try CurlClient()
        let request = OutgoingRequest(url: server.url, maximumResponseBytes: 1 << 20)
        #expect(await failure(of: client, sending: request)?.code == .responseTooLarge)
        await server.waitForEnds()
        // What was not read by the client is in the kernel's buffers, a few MiB at most.
        #expect(sent.withLock { $0 } < 32 << 20)
        #expect(try await client.send(OutgoingRequest(url: server.url + "small")).status == .ok)
    }

    @Test("An answer of exactly the size allowed is returned")
    func justLargeEnough() async throws {
        let server = try ScriptedServer { $0.serve("12345") }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(OutgoingRequest(url: server.url, maximumResponseBytes: 5))
        #expect(response.body.count == 5)
        let error = await failure(of: client, sending: OutgoingRequest(url: server.url, maximumResponseBytes: 4))
        #expect(error?.code == .responseTooLarge)
    }

    @Test("A header section without end is abandoned", arguments: ["", "HTTP/1.1 100 Continue\r\n\r\n"])
    func endlessHeaders(repeated: String) async throws {
        let server = try ScriptedServer { connection in
            _ = connection.readRequest()
            connection.write(repeated.isEmpty ? "HTTP/1.1 200 OK\r\n" : "")
            let line = repeated.isEmpty ? "X-Filler: \(String(repeating: "x", count: 1000))\r\n" : repeated
            while connection.write(String(repeating: line, count: 100)) {}
        }
        defer { server.stop() }
        let client = try CurlClient()
        let request = OutgoingRequest(url: server.url, timeout: .seconds(30))
        #expect(await failure(of: client, sending: request)?.code == .responseTooLarge)
    }

    @Test("Cancelling the task ends its request, and the server sees the connection close")
    func cancellation() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            connection.stall()
        }
        defer { server.stop() }
        let client = try CurlClient()
        let task = Task { await failure(of: client, sending: OutgoingRequest(url: server.url, timeout: .seconds(50))) }
        await server.waitForRequests()
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        await server.waitForEnds()
    }

    @Test("A task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure(of: client, sending: OutgoingRequest(url: server.url))
        }
        #expect(await task.value?.code == .cancelled)
        #expect(server.accepted == 0)
    }

    @Test("Cancellations that race with answers leave every request with exactly one result, and the client usable")
    func racingCancellations() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        for round in 0..<50 {
            let tasks = (0..<20).map { _ in
                Task { () -> HTTPTransportError.Code? in
                    do throws(HTTPTransportError) {
                        _ = try await client.send(OutgoingRequest(url: server.url))
                        return nil
                    } catch { return error.code }
                }
            }
            if round.isMultiple(of: 2) { await Task.yield() }
            for task in tasks { task.cancel() }
            for task in tasks { #expect([nil, .cancelled].contains(await task.value)) }
        }
        #expect(try await client.send(OutgoingRequest(url: server.url)).status == .ok)
    }
}
