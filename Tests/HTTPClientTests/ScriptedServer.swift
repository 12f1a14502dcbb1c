import Foundation
import Glibc
import Synchronization

/// A TCP server on a loopback port that does what a test tells it to: a thread for each connection, and no notion of
/// HTTP beyond finding the end of a request.
final class ScriptedServer: Sendable {
    /// What the server has seen, in order.
    enum Event: Sendable {
        case accepted
        case request(String)
        case ended
    }

    let port: UInt16
    private let listener: Int32
    private let events: AsyncStream<Event>
    private let report: AsyncStream<Event>.Continuation
    private let seen = Mutex<[Event]>([])
    private let open = Mutex<Set<Int32>>([])

    /// - Parameter script: What to do with each connection, on a thread of its own; it is closed afterwards.
    init(_ script: @escaping @Sendable (ScriptedConnection) -> Void) throws {
        (listener, port) = try listenOnLoopback()
        (events, report) = AsyncStream.makeStream()
        Thread.detachNewThread { [self] in accept(script) }
    }

    /// Ends the server and every connection; a server that is not stopped lives as long as the test process.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { for socket in $0 { shutdown(socket, Int32(SHUT_RDWR)) } }
    }

    var url: String { "http://127.0.0.1:\(port)/" }

    /// How many connections were accepted so far.
    var accepted: Int { seen.withLock { $0.count { if case .accepted = $0 { true } else { false } } } }

    /// Every request received so far, head and content.
    var requests: [String] {
        seen.withLock { $0.compactMap { if case .request(let text) = $0 { text } else { nil } } }
    }

    /// Returns when `count` further requests have arrived. One task at a time may wait for events.
    func waitForRequests(_ count: Int = 1) async {
        await wait(count) { if case .request = $0 { true } else { false } }
    }

    /// Returns when `count` further connections have been ended, by either side.
    func waitForEnds(_ count: Int = 1) async {
        await wait(count) { if case .ended = $0 { true } else { false } }
    }

    private func wait(_ count: Int, _ isWanted: (Event) -> Bool) async {
        var remaining = count
        guard remaining > 0 else { return }
        for await event in events where isWanted(event) {
            remaining -= 1
            if remaining == 0 { return }
        }
    }

    func note(_ event: Event) {
        seen.withLock { $0.append(event) }
        report.yield(event)
    }

    private func accept(_ script: @escaping @Sendable (ScriptedConnection) -> Void) {
        while true {
            let socket = Glibc.accept(listener, nil, nil)
            guard socket >= 0 else { break }
            open.withLock { _ = $0.insert(socket) }
            note(.accepted)
            Thread.detachNewThread { [self] in
                script(ScriptedConnection(socket: socket, server: self))
                open.withLock { _ = $0.remove(socket) }
                // Closing alone ends nothing while a process that is just being spawned holds a copy.
                shutdown(socket, Int32(SHUT_RDWR))
                close(socket)
                note(.ended)
            }
        }
        close(listener)
    }
}

/// One connection, as a script sees it. Every call blocks.
struct ScriptedConnection: Sendable {
    let socket: Int32
    let server: ScriptedServer

    /// Reads one request with the content its Content-Length announces; nil when the client has closed.
    func readRequest() -> String? {
        var bytes: [UInt8] = []
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let head = text.range(of: "\r\n\r\n") {
                let headLength = text[..<head.upperBound].utf8.count
                if bytes.count >= headLength + Self.contentLength(of: text[..<head.lowerBound]) {
                    server.note(.request(text))
                    return text
                }
            }
            guard let more = read() else { return nil }
            bytes += more
        }
    }

    /// Reads what there is; nil when the client has closed.
    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// - Returns: False when the client has closed.
    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Answers `200` with a Content-Length.
    func answer(_ body: String = "ok", headers: String = "") {
        write("HTTP/1.1 200 OK\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Answers every request until the client closes.
    func serve(_ body: String = "ok") {
        while readRequest() != nil { answer(body) }
    }

    /// Says nothing until the client closes.
    func stall() {
        while read() != nil {}
    }

    private static func contentLength(of head: some StringProtocol) -> Int {
        let line = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        let value = line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
        return value.flatMap(Int.init) ?? 0
    }
}

/// A listening TCP socket on a free port of 127.0.0.1.
func listenOnLoopback(backlog: Int32 = 512) throws -> (socket: Int32, port: UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var port: UInt16 = 0
    let outcome = withLoopbackAddress(port: &port) { address, length in
        bind(listener, address, length.pointee) == 0 && listen(listener, backlog) == 0
            && getsockname(listener, address, length) == 0
    }
    guard outcome else { throw POSIXError(.EADDRNOTAVAIL) }
    return (listener, port)
}

/// A socket that connects, or tries to, without anyone waiting for it.
func startConnecting(toLoopback port: UInt16) -> Int32 {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var port = port
    _ = withLoopbackAddress(port: &port) { address, length in connect(client, address, length.pointee) }
    return client
}

private func withLoopbackAddress<Result>(
    port: inout UInt16,
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    address.sin_port = port.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    defer { port = UInt16(bigEndian: address.sin_port) }
    return withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
    }
}

/// The URL of a loopback port that nobody listens on.
func unusedURL() throws -> String {
    let (socket, port) = try listenOnLoopback()
    close(socket)
    return "http://127.0.0.1:\(port)/"
}
