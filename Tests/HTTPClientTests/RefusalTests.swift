import Glibc
import HTTPClient
import HTTPTypes
import Testing

@Suite("What is refused before anything is sent", .timeLimit(.minutes(15)))
struct RefusalTests {
    @Test(
        "A URL that is not absolute http or https is refused without being repeated in the message",
        arguments: [
            "", "secret", "/secret", "//127.0.0.1/secret", "file:///etc/passwd", "ftp://127.0.0.1/secret",
            "gopher://127.0.0.1/secret", "http:", "http://", "http:///secret", "http:127.0.0.1/secret",
            "http://127.0.0.1:99999/secret", "http://127.0.0.1:x/secret", "http://a b/secret",
            "http://127.0.0.1/secret\r\nX: y", "http://127.0.0.1/\0secret", "http://127.0.0.1/sécret",
            "http://user:secret@", " http://127.0.0.1/secret", "http://[::1/secret", "http://[secret]/",
        ]
    )
    func invalidURL(url: String) async throws {
        let client = try CurlClient()
        let error = await failure(of: client, sending: OutgoingRequest(url: url))
        #expect(error?.code == .invalidURL)
        #expect(error?.message.contains("secret") == false)
    }

    @Test("A refused connection is a connect error whose message has no path, query, credentials or header in it")
    func connectionRefused() async throws {
        let client = try CurlClient()
        let url = try unusedURL().replacing("http://", with: "http://user:secret@") + "secret?secret=secret"
        let request = OutgoingRequest(url: url, headers: [.authorization: "secret"])
        let error = await failure(of: client, sending: request)
        #expect(error?.code == .connect)
        #expect(error?.description.contains("secret") == false)
        #expect(error?.message.contains("http://127.0.0.1:") == true)
    }

    @Test("A name without an address is a resolve error")
    func unknownHost() async throws {
        let client = try CurlClient()
        // RFC 6761 §6.4 promises that this name never resolves.
        let error = await failure(of: client, sending: OutgoingRequest(url: "http://nowhere.invalid/"))
        #expect(error?.code == .resolve)
    }

    @Test("A handshake with a peer that does not speak TLS is a TLS error")
    func notTLS() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let error = await failure(of: client, sending: OutgoingRequest(url: "https://127.0.0.1:\(server.port)/"))
        #expect(error?.code == .tls)
    }

    @Test("A proxy in the environment does not capture a loopback host, and does capture another")
    func proxy() async throws {
        // In a process of its own: the environment is the process's.
        await #expect(processExitsWith: .success) {
            // A time limit does not reach this process: what never ends is ended by the kernel.
            alarm(30)
            let proxy = try ScriptedServer { $0.serve("proxied") }
            let server = try ScriptedServer { $0.serve("direct") }
            setenv("http_proxy", "http://127.0.0.1:\(proxy.port)", 1)
            setenv("all_proxy", "http://127.0.0.1:\(proxy.port)", 1)
            let client = try CurlClient()
            for host in ["127.0.0.1", "localhost", "LOCALHOST", "shop.localhost", "127.1", "0x7f000001"] {
                let url = "http://\(host):\(server.port)/"
                let response = try await client.send(OutgoingRequest(url: url))
                precondition(response.body == Array("direct".utf8), host)
            }
            for host in ["[::1]", "[0:0:0:0:0:0:0:1]", "127.9.9.9"] {
                let url = try unusedURL().replacing("127.0.0.1", with: host)
                let response = try? await client.send(OutgoingRequest(url: url))
                precondition(response == nil, host)
            }
            precondition(proxy.accepted == 0)
            let response = try await client.send(OutgoingRequest(url: "http://shop.invalid/"))
            precondition(response.body == Array("proxied".utf8))
        }
    }
}
