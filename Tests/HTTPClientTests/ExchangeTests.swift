import HTTPClient
import HTTPTypes
import Testing

@Suite("An exchange", .timeLimit(.minutes(15)))
struct ExchangeTests {
    @Test("GET sends the header fields given, no more than Host and User-Agent besides, and returns the answer")
    func get() async throws {
        let server = try ScriptedServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("hello", headers: "X-Twice: a\r\nX-Twice: b\r\nX-Folded: one\r\n  two\r\nX-Empty:\r\n")
            connection.stall()
        }
        defer { server.stop() }
        let client = try CurlClient()
        let headers: HTTPFields = [try fieldName("X-Sent"): "värde", try fieldName("X-Nothing"): ""]
        let response = try await client.send(OutgoingRequest(url: server.url + "a?b=c#d", headers: headers))

        #expect(response.status == .ok)
        #expect(response.body == Array("hello".utf8))
        #expect(response.headers[values: try fieldName("X-Twice")] == ["a", "b"])
        #expect(response.headers[try fieldName("X-Folded")] == "one two")
        #expect(response.headers[try fieldName("X-Empty")] == "")
        #expect(response.protocolVersion == "1.1")
        #expect(response.peerAddress == "127.0.0.1")
        #expect(response.peerPort == Int(server.port))
        let expected = """
            GET /a?b=c HTTP/1.1\r
            Host: 127.0.0.1:\(server.port)\r
            X-Sent: värde\r
            X-Nothing:\r
            User-Agent: PopShop\r
            \r

            """
        #expect(server.requests == [expected])
    }

    @Test("POST sends its bytes with their length and type, without asking for a 100 first")
    func post() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        let body = Array(String(repeating: "ä\0", count: 700_000).utf8)
        _ = try await client.send(
            OutgoingRequest(method: .post, url: server.url, headers: [.contentType: "text/odd"], body: body)
        )

        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST / HTTP/1.1\r\n"))
        #expect(request.contains("\r\nContent-Type: text/odd\r\n"))
        #expect(request.contains("\r\nContent-Length: \(body.count)\r\n"))
        #expect(!request.lowercased().contains("expect:"))
        #expect(Array(request.utf8.suffix(body.count)) == body)
    }

    @Test(
        "Every method is sent under its name, and an empty POST, PUT or PATCH announces its length",
        arguments: [HTTPRequest.Method.get, .post, .put, .patch, .delete, .options]
    )
    func methods(method: HTTPRequest.Method) async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        _ = try await client.send(OutgoingRequest(method: method, url: server.url))
        _ = try await client.send(OutgoingRequest(method: method, url: server.url, body: [0x78]))

        let requests = server.requests
        #expect(requests.count == 2)
        #expect(requests.allSatisfy { $0.hasPrefix("\(method.rawValue) / HTTP/1.1\r\n") })
        #expect(requests[0].contains("Content-Length: 0\r\n") == [.post, .put, .patch].contains(method))
        #expect(!requests[0].contains("Content-Type"))
        #expect(requests[1].hasSuffix("\r\nContent-Length: 1\r\n\r\nx"))
    }

    @Test("HEAD returns the header section whatever length it announces, and waits for no content")
    func head() async throws {
        let server = try ScriptedServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
            }
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(OutgoingRequest(method: .head, url: server.url))
        #expect(response.headers[.contentLength] == "99999999999")
        #expect(response.body.isEmpty)
    }

    @Test("The final answer is returned without interim ones before it and trailers after it")
    func interimAndTrailers() async throws {
        let server = try ScriptedServer { connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            connection.write("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.write("3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")
            connection.stall()
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(OutgoingRequest(url: server.url))
        #expect(response.status == .created)
        #expect(response.body == Array("abcde".utf8))
        #expect(response.headers[try fieldName("Link")] == nil)
        #expect(response.headers[try fieldName("X-Trailer")] == nil)
    }

    @Test("A redirect is returned, not followed")
    func redirect() async throws {
        let server = try ScriptedServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
            }
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(OutgoingRequest(url: server.url))
        #expect(response.status == .found)
        #expect(response.headers[.location] == "/elsewhere")
        #expect(server.requests.count == 1)
    }

    @Test("An answer of a failing service is an answer", arguments: [401, 404, 407, 417, 500, 503])
    func errorStatus(status: Int) async throws {
        let server = try ScriptedServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 \(status) No\r\nContent-Length: 3\r\n\r\nwhy")
            }
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.send(OutgoingRequest(method: .post, url: server.url, body: [1]))
        #expect(response.status.code == status)
        #expect(response.body == Array("why".utf8))
        #expect(server.requests.count == 1)
    }

    @Test("A header value with CR, LF or NUL in it stays one line")
    func noHeaderInjection() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        let evil = "a\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\n\0b"
        var field = HTTPField(name: try fieldName("X-Set"), value: "")
        field.value = evil
        var headers = HTTPFields([field, HTTPField(name: try fieldName("X-Bytes"), lenientValue: Array(evil.utf8))])
        headers[try fieldName("X-Subscript")] = evil
        _ = try await client.send(OutgoingRequest(url: server.url, headers: headers))
        _ = try await client.send(OutgoingRequest(url: server.url))

        #expect(HTTPField.Name("X\r\nY") == nil)
        #expect(HTTPRequest.Method("GET / HTTP/1.1\r\nX:") == nil)
        let lines = try #require(server.requests.first).split(separator: "\r\n").map(String.init)
        #expect(lines.count == 6)
        #expect(!lines.contains { $0.hasPrefix("X-Evil") || $0.contains("\0") || $0.contains("\n") })
        #expect(server.requests.count == 2)
    }

    @Test("Fields that frame the message are not the caller's to set")
    func framingFields() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        let client = try CurlClient()
        let headers: HTTPFields = [
            .contentLength: "1", .transferEncoding: "chunked", .connection: "close", .expect: "100-continue",
            try fieldName("Host"): "elsewhere",
        ]
        let request = OutgoingRequest(method: .post, url: server.url, headers: headers, body: Array("12345".utf8))
        _ = try await client.send(request)
        let received = try #require(server.requests.first)
        #expect(received.hasSuffix("\r\nContent-Length: 5\r\n\r\n12345"))
        for name in ["chunked", "close", "100-continue", "elsewhere"] { #expect(!received.contains(name)) }
    }
}
