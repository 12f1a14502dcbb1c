import Foundation
import HTTPClient
import HTTPTypes
import Testing

@Suite("A client's life", .timeLimit(.minutes(15)))
struct LifecycleTests {
    @Test("Shutting down fails what is on its way or waiting, closes its connections, and may be repeated")
    func shutDown() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.readRequest()
            connection.stall()
        }
        defer { server.stop() }
        let client = try CurlClient(configuration: .init(maximumConnectionsPerHost: 3))
        let url = server.url
        let tasks = (0..<10).map { _ in
            Task { await failure(of: client, sending: OutgoingRequest(url: url, timeout: .seconds(50))) }
        }
        await server.waitForRequests(3)
        await withTaskGroup { group in
            for _ in 0..<5 { group.addTask { await client.shutDown() } }
        }
        for task in tasks { #expect(await task.value?.code == .shutDown) }
        await server.waitForEnds(3)
        await client.shutDown()
        #expect(await failure(of: client, sending: OutgoingRequest(url: url))?.code == .shutDown)
    }

    @Test("A client that is let go of without being shut down closes its connections")
    func letGo() async throws {
        let server = try ScriptedServer { $0.serve() }
        defer { server.stop() }
        do {
            let client = try CurlClient()
            _ = try await client.send(OutgoingRequest(url: server.url))
        }
        await server.waitForEnds()
    }

    @Test("More requests than may be unfinished fail at once, and one that finishes makes room")
    func tooManyRequests() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.readRequest()
            connection.stall()
        }
        let quick = try ScriptedServer { $0.serve() }
        defer {
            server.stop()
            quick.stop()
        }
        let client = try CurlClient(configuration: .init(maximumWaiting: 3))
        let url = server.url
        let held = (0..<3).map { _ in
            Task { await failure(of: client, sending: OutgoingRequest(url: url, timeout: .seconds(50))) }
        }
        await server.waitForRequests(3)
        #expect(await failure(of: client, sending: OutgoingRequest(url: quick.url))?.code == .tooManyRequests)
        held[0].cancel()
        #expect(await held[0].value?.code == .cancelled)
        for _ in 0..<10 { #expect(try await client.send(OutgoingRequest(url: quick.url)).status == .ok) }
        await client.shutDown()
        for task in held { _ = await task.value }
    }

    @Test("A thousand clients, shut down or just let go of, leave no thread and no descriptor behind")
    func noLeak() async throws {
        // In a process of its own, where nothing else opens and closes.
        await #expect(processExitsWith: .success) {
            // A time limit does not reach this process: what never ends is ended by the kernel.
            alarm(30)
            let server = try ScriptedServer { $0.serve() }
            func cycle(_ number: Int) async throws {
                let client = try CurlClient()
                let response = try await client.send(OutgoingRequest(url: server.url))
                precondition(response.status == .ok)
                if number.isMultiple(of: 2) { await client.shutDown() }
                await server.waitForEnds(number.isMultiple(of: 2) ? 1 : 0)
            }
            for number in 0..<10 { try await cycle(number) }
            let threads = try count("/proc/self/task")
            let descriptors = try count("/proc/self/fd")
            for number in 0..<1000 { try await cycle(number) }
            while try count("/proc/self/task") > threads + 2 || count("/proc/self/fd") > descriptors {
                await Task.yield()
            }
        }
    }
}

/// The number of entries in a folder.
private func count(_ path: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: path).count
}
