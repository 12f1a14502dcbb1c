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

/// Calls with the address of a port of this machine.
func withLoopback<Result>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    address.sin_port = port.bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
