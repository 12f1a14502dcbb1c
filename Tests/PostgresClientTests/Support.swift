import Foundation
import Glibc
import PostgresClient
import Testing

/// The server that POPSHOP_TEST_POSTGRES names; `.ci/postgres` starts one.
enum TestServer {
    static let url = ProcessInfo.processInfo.environment["POPSHOP_TEST_POSTGRES"]

    /// - Parameter more: Parameters that win over the URL's own, such as `password=wrong`.
    static func configuration(
        _ more: String = "",
        statementTimeout: Duration = .seconds(20)
    ) throws -> PostgresConfiguration {
        let url = try #require(url)
        let joint = more.isEmpty ? "" : url.contains("?") ? "&" : "?"
        return try PostgresConfiguration(url: url + joint + more, statementTimeout: statementTimeout)
    }

    static func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(configuration())
    }

    /// Lends a database that exists for as long as the closure runs.
    static func withDatabase(_ body: (PostgresConfiguration) async throws -> Void) async throws {
        let name = "test_\(UInt64.random(in: 0...UInt64.max))"
        let administrator = try await connect()
        try await administrator.executeScript("CREATE DATABASE \(name)")
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(configuration("dbname=\(name)"))) } catch { outcome = .failure(error) }
        try await administrator.executeScript("DROP DATABASE \(name) WITH (FORCE)")
        await administrator.close()
        try outcome.get()
    }
}

extension Trait where Self == ConditionTrait {
    static var needsPostgres: Self {
        .enabled(if: TestServer.url != nil, "POPSHOP_TEST_POSTGRES names no server; `. .ci/postgres` starts one.")
    }
}

/// All that need a server, one after the other: some count what the whole process holds.
@Suite("With a Postgres", .serialized, .needsPostgres) struct WithPostgres {}

/// A TCP listener on a free loopback port. What it accepts is handled on a thread of its own, and blocks there.
final class FakeServer: Sendable {
    let port: UInt16
    private let listener: Int32

    /// - Parameter talk: What to do with each connection, which is closed afterwards.
    init(_ talk: @escaping @Sendable (Int32) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        try #require(isListening)
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                Thread.detachNewThread {
                    talk(client)
                    close(client)
                }
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    func configuration(_ more: String = "", connectTimeout: Duration = .seconds(10)) throws -> PostgresConfiguration {
        try PostgresConfiguration(
            url: "postgresql://shop:hunter2-secret@127.0.0.1:\(port)/shop?gssencmode=disable&\(more)",
            connectTimeout: connectTimeout
        )
    }

    /// Reads once; empty when the client has closed.
    static func read(_ client: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(client, &buffer, buffer.count, 0)
        return Array(buffer[..<max(0, count)])
    }

    static func write(_ client: Int32, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Reads until the client closes.
    static func stall(_ client: Int32) { while !read(client).isEmpty {} }
}

/// The error that the closure throws.
func failure(_ body: () async throws -> Void) async -> PostgresError? {
    do { try await body() } catch { return error as? PostgresError }
    return nil
}

extension PostgresError {
    /// One line, one sentence.
    var isOneSentence: Bool { !message.contains("\n") && message.hasSuffix(".") && !message.hasSuffix("..") }
}
