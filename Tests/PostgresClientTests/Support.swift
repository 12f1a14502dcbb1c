import Foundation
import Glibc
import PostgresClient
import PostgresTestSupport
import Testing

extension Trait where Self == ConditionTrait {
    static var needsPostgres: Self {
        .enabled(if: TestServer.url != nil, "\(TestServer.missing)")
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
