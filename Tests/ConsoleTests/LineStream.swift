import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A stream of server-sent events, read on a thread of its own as they come.
final class LineStream: Sendable {
    /// Status line and headers.
    let head: String
    private let socket: Int32
    private let lines: AsyncStream<String>
    private let counts = Mutex<[String: Int]>([:])

    /// How often each event has come.
    var seen: [String: Int] { counts.withLock { $0 } }

    init(_ path: String, of bench: Bench) async throws {
        let port = UInt16(bench.url.split(separator: ":").last.map(String.init) ?? "") ?? 0
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        address.sin_port = port.bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw POSIXError(.ECONNREFUSED) }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8)
        send(socket, request, request.count, Int32(MSG_NOSIGNAL))
        let (lines, continuation) = AsyncStream<String>.makeStream()
        Thread.detachNewThread {
            Self.read(socket) { continuation.yield($0) }
            continuation.finish()
        }
        var head = ""
        for await line in lines {
            if line.isEmpty { break }
            head += line + "\n"
        }
        self.head = head
        self.socket = socket
        self.lines = lines
    }

    /// The data of the next event of a name; nil when the stream has ended.
    func next(_ name: String) async -> String? {
        var current = ""
        for await line in lines {
            if line.hasPrefix("event: ") { current = String(line.dropFirst(7)) }
            guard line.hasPrefix("data: ") else { continue }
            counts.withLock { $0[current, default: 0] += 1 }
            if current == name { return String(line.dropFirst(6)) }
        }
        return nil
    }

    func hangUp() { shutdown(socket, Int32(SHUT_RDWR)) }

    deinit { close(socket) }

    private static func read(_ socket: Int32, _ body: (String) -> Void) {
        var (line, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            for byte in buffer[..<count] {
                guard byte == UInt8(ascii: "\n") else { line.append(byte); continue }
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                body(String(decoding: line, as: UTF8.self))
                line = []
            }
        }
    }
}
