import Foundation
import Glibc
public import PostgresClient
import Synchronization

/// Stands between a client and the test server, and cuts the line where a test says so: then neither end hears another
/// byte of the other.
public final class CuttingProxy: Sendable {
    /// Where a line is cut.
    public enum Cut: Sendable {
        case never
        /// The server has committed, and the client does not hear of it.
        case beforeCommitIsConfirmed
        /// After so many bytes from the client.
        case afterClientBytes(Int)
        /// Not at all, but nothing of what the server says comes through from these bytes on: a line that is dead.
        case swallowed(String)
        /// Not at all, but what the server says in these bytes the client hears in those, of which there are as many.
        case rewritten(String, String)
    }

    private let listener: Int32
    private let port: UInt16
    private let server: PostgresURL
    private let state = Mutex((cut: Cut.never, cuts: 0))

    /// - Parameter configuration: Of the server.
    public init(to configuration: PostgresConfiguration) throws {
        server = configuration.url
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        let server = server
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { break }
                let upstream = Self.connect(to: server)
                guard upstream >= 0 else {
                    close(client)
                    continue
                }
                self.carry(client, upstream)
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Of the lines that are made from now on.
    public func cut(_ cut: Cut) { state.withLock { $0.cut = cut } }

    /// How many lines were cut.
    public var cuts: Int { state.withLock { $0.cuts } }

    /// The server, by way of this.
    public func configuration(database: String) throws -> PostgresConfiguration {
        try TestServer.configuration(
            "dbname=\(database)&host=127.0.0.1&port=\(port)&sslmode=disable&gssencmode=disable"
        )
    }

    private func carry(_ client: Int32, _ upstream: Int32) {
        let cut = state.withLock { $0.cut }
        let ends = DispatchGroup()
        for (from, to, isClient) in [(client, upstream, true), (upstream, client, false)] {
            ends.enter()
            Thread.detachNewThread {
                self.pump(from, to, isClient, cut)
                shutdown(from, Int32(SHUT_RDWR))
                shutdown(to, Int32(SHUT_RDWR))
                ends.leave()
            }
        }
        ends.notify(queue: .global()) {
            close(client)
            close(upstream)
        }
    }

    private func pump(_ from: Int32, _ to: Int32, _ isClient: Bool, _ cut: Cut) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var seen = 0
        var isSwallowing = false
        while true {
            var count = recv(from, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            var isCut = false
            switch cut {
            case .afterClientBytes(let limit) where isClient && seen + count > limit:
                (count, isCut) = (max(0, limit - seen), true)
            case .beforeCommitIsConfirmed where !isClient && Self.isCommit(buffer[..<count]):
                (count, isCut) = (0, true)
            case .swallowed(let text) where !isClient && !isSwallowing:
                isSwallowing = buffer[..<count].firstRange(of: Array(text.utf8)) != nil
                if isSwallowing { state.withLock { $0.cuts += 1 } }
            case .rewritten(let from, let to) where !isClient: Self.replace(from, by: to, in: &buffer, count)
            default: break
            }
            seen += count
            if isSwallowing { continue }
            _ = buffer.withUnsafeBytes { send(to, $0.baseAddress, count, Int32(MSG_NOSIGNAL)) }
            guard isCut else { continue }
            return state.withLock { $0.cuts += 1 }
        }
    }

    /// Whether there is a CommandComplete of a COMMIT (PostgreSQL documentation, *Message Formats*).
    private static func isCommit(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.contains(Array("COMMIT\0".utf8)) }

    private static func replace(_ from: String, by to: String, in buffer: inout [UInt8], _ count: Int) {
        let (from, to) = (Array(from.utf8), Array(to.utf8))
        precondition(from.count == to.count, "the messages around it say how long they are")
        guard let range = buffer[..<count].firstRange(of: from) else { return }
        buffer.replaceSubrange(range, with: to)
    }

    private static func connect(to server: PostgresURL) -> Int32 {
        guard server.host.hasPrefix("/") else { return -1 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("\(server.host)/.s.PGSQL.\(server.port)".utf8) + [0]
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        if isConnected { return descriptor }
        close(descriptor)
        return -1
    }
}
