import ConsoleAPI
import HTTPClient
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import TelemetryBuffer
import TestSupport
import Testing

@testable import Sync

/// The real client against a real socket.
@Suite struct WireTests {
    private static func answer(_ head: String, _ body: String = "") -> FakeServer.Behaviour {
        .answer("HTTP/1.1 \(head)\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private func state(_ behaviour: FakeServer.Behaviour) async throws -> (LaneState, [Int]) {
        let server = try FakeServer(behaviour)
        let client = try CurlClient()
        let bench = try Bench(upstream: SpanUpstream(url: server.url + "/v1/traces"), transport: client) {
            $0.timeout = .milliseconds(300)
        }
        try await bench.record(1...10)
        await bench.lane.round()
        let result = (await bench.lane.status().state, try await bench.books())
        await bench.buffer.close()
        await client.shutDown()
        return result
    }

    @Test func `an OTLP answer delivers`() async throws {
        let (state, books) = try await state(Self.answer("200 OK\r\nContent-Type: application/x-protobuf"))
        #expect(state == .idle && books == [0, 10, 0, 0, 0, 0])
    }

    @Test func `a portal's page and its redirect deliver nothing, and are not followed`() async throws {
        let page = Self.answer("200 OK\r\nContent-Type: text/html", "<html>log in</html>")
        #expect(try await state(page) == (.backingOff, [10, 0, 0, 0, 0, 0]))
        let redirect = Self.answer("302 Found\r\nLocation: http://127.0.0.1:1/login")
        #expect(try await state(redirect) == (.backingOff, [10, 0, 0, 0, 0, 0]))
    }

    @Test func `half an answer, none, and no listener deliver nothing`() async throws {
        let half = FakeServer.Behaviour.answer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhal")
        #expect(try await state(half) == (.backingOff, [10, 0, 0, 0, 0, 0]))
        #expect(try await state(.silence) == (.offline, [10, 0, 0, 0, 0, 0]))
        #expect(try await state(.dead) == (.offline, [10, 0, 0, 0, 0, 0]))
    }

    @Test func `an answer of 64 MiB is given up as soon as its length is known`() async throws {
        let huge = FakeServer.Behaviour.answer(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 67108864\r\n\r\n"
        )
        #expect(try await state(huge) == (.backingOff, [10, 0, 0, 0, 0, 0]))
    }
}
