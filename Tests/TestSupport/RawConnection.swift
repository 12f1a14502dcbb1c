import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// Bytes to a port of this machine and back, without any HTTP in between: for requests that no client would write.
public enum RawConnection {
    /// Sends the bytes and returns all that is answered until the other end closes. A request should say
    /// `Connection: close`.
    public static func exchange(_ request: [UInt8], port: Int) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: talk(request, port)) }
        }
    }

    public static func exchange(_ request: String, port: Int) async -> String {
        await exchange(Array(request.utf8), port: port)
    }

    private static func talk(_ request: [UInt8], _ port: Int) -> String {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        guard withLoopback(UInt16(port), { connect(socket, $0, $1) }) == 0 else { return "" }
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The other end may answer and close before it has read everything; its answer is still to be read.
            guard count > 0 else { break }
            sent += count
        }
        shutdown(socket, Int32(SHUT_WR))
        return read(socket)
    }

    private static func read(_ socket: Int32) -> String {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer[..<count]
        }
    }
}

/// A server that is no service: it does with each connection what it is told to, on a thread of its own.
public final class FakeServer: Sendable {
    /// What becomes of a request.
    public enum Behaviour: Sendable {
        /// Exactly these bytes, then the connection is closed.
        case answer(String)
        /// Nothing, until the client goes away.
        case silence
    }

    public let port: Int
    private let listener: Int32

    public var url: String { "http://127.0.0.1:\(port)" }

    public init(_ behaviour: Behaviour) throws {
        (listener, port) = try listenOnLoopback()
        Thread.detachNewThread { [listener] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                Thread.detachNewThread { Self.serve(connection, behaviour) }
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Answers every request alike: this status and body.
    public static func json(_ body: String, status: String = "200 OK") throws -> FakeServer {
        let head = "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nConnection: close\r\n"
        return try FakeServer(.answer("\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"))
    }

    /// A URL where nobody listens.
    public static func deadURL() throws -> String {
        let (socket, port) = try listenOnLoopback()
        close(socket)
        return "http://127.0.0.1:\(port)"
    }

    private static func serve(_ connection: Int32, _ behaviour: Behaviour) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(connection, &buffer, buffer.count, 0)
        if count > 0, case .answer(let text) = behaviour {
            let bytes = Array(text.utf8)
            send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            shutdown(connection, Int32(SHUT_WR))
        }
        while recv(connection, &buffer, buffer.count, 0) > 0 {}
        close(connection)
    }
}

private func listenOnLoopback() throws -> (socket: Int32, port: Int) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard withLoopback(0, { bind(listener, $0, $1) }) == 0, listen(listener, 128) == 0 else {
        throw POSIXError(.EADDRNOTAVAIL)
    }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
    }
    guard named == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
    return (listener, Int(UInt16(bigEndian: address.sin_port)))
}

private func withLoopback<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    address.sin_port = port.bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
