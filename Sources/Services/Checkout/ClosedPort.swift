#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A port of this machine that nobody listens on, nor can: it is bound, and stays so as long as this lives. Whoever
/// connects is refused by the kernel, as by a host whose server is down.
final class ClosedPort: Sendable {
    private let socket: Int32
    private let port: Int

    init() {
        #if canImport(Glibc)
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            socket = Darwin.socket(AF_INET, SOCK_STREAM, 0)
        #endif
        port = Self.bindAny(socket) ?? 9
    }

    deinit { close(socket) }

    var url: String { "http://127.0.0.1:\(port)" }

    private static func bindAny(_ socket: Int32) -> Int? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(socket, generic, length) == 0 && getsockname(socket, generic, &length) == 0
            }
        } ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}
