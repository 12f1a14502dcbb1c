public import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A server that is no service: it does with each connection what it is told to, on a thread of its own.
public final class FakeServer: Sendable {
    /// What becomes of a request.
    public enum Behaviour: Sendable {
        /// Exactly these bytes, then the connection is closed.
        case answer(String)
        /// Nothing, until the client goes away.
        case silence
        /// These bytes to a HEAD, and to anything else once the second semaphore says so; the first says that it has come.
        case held(String, arrived: DispatchSemaphore, answers: DispatchSemaphore)
        /// No connection at all: the port is taken, so that nobody else gets it, but nobody listens.
        case dead
    }

    public let port: Int
    private let listener: Int32

    public var url: String { "http://127.0.0.1:\(port)" }

    public init(_ behaviour: Behaviour) throws {
        (listener, port) = try takeLoopbackPort()
        if case .dead = behaviour { return }
        guard listen(listener, 128) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
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

    /// Blocks its connection's thread until it is to be sent; nil for silence.
    private static func answer(_ behaviour: Behaviour, toHead isHead: Bool) -> String? {
        switch behaviour {
        case .answer(let text): return text
        case .held(let text, let arrived, let answers):
            guard !isHead else { return text }
            arrived.signal()
            answers.wait()
            return text
        case .silence, .dead: return nil
        }
    }

    private static func serve(_ connection: Int32, _ behaviour: Behaviour) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(connection, &buffer, buffer.count, 0)
        if count > 0, let text = answer(behaviour, toHead: buffer.starts(with: "HEAD ".utf8)) {
            let bytes = Array(text.utf8)
            send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            shutdown(connection, Int32(SHUT_WR))
        }
        while recv(connection, &buffer, buffer.count, 0) > 0 {}
        close(connection)
    }
}

private func takeLoopbackPort() throws -> (socket: Int32, port: Int) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard withLoopback(0, { bind(listener, $0, $1) }) == 0 else {
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
