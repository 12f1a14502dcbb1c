import ArgumentParser
import BackgroundExecutor
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// An OTLP ingress that only reads: a thread a connection, nothing decoded, an empty answer to each request. What it
/// costs is what the kernel's loopback costs.
struct Sink: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)

    @Option var port: Int

    func run() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var isOn: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(listener, 64) == 0 else { throw Failure("Port \(port) is taken.") }
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { continue }
            Thread.detachNewThread {
                // It stands for a machine that is elsewhere, which would take nothing of this one's cores.
                BackgroundExecutor.giveWay()
                while Self.serve(connection) {}
                close(connection)
            }
        }
    }

    /// Reads one request to its end and answers it.
    ///
    /// - Returns: False when the connection has ended.
    private static func serve(_ connection: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var head: [UInt8] = []
        var rest: Int?
        while rest == nil {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return false }
            head += buffer[..<count]
            guard let end = head.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
            rest = contentLength(head[..<end.lowerBound]) - (head.count - end.upperBound)
        }
        while let left = rest, left > 0 {
            let count = recv(connection, &buffer, min(left, buffer.count), 0)
            guard count > 0 else { return false }
            rest = left - count
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
        return send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL)) == answer.utf8.count
    }

    private static func contentLength(_ head: ArraySlice<UInt8>) -> Int {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let field = lines.first { $0.lowercased().hasPrefix("content-length:") }
        return field.flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) } ?? 0
    }
}
