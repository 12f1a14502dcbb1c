#if canImport(Glibc)
    import Glibc
#endif

/// Whether a port can be listened on, asked before anything is opened so that the answer can be one sentence.
public enum Ports {
    /// Nil when the port is free; otherwise why it is not, and which option to try.
    public static func problem(host: String, port: Int) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let found else {
            return "\(host) is no address; try another --host"
        }
        defer { freeaddrinfo(found) }
        let socket = socket(found.pointee.ai_family, found.pointee.ai_socktype, found.pointee.ai_protocol)
        guard socket >= 0 else { return String(cString: strerror(errno)) }
        defer { close(socket) }
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(socket, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0, listen(socket, 1) == 0 else {
            return switch errno {
            case EADDRINUSE: "the port is in use; try --port-offset"
            case EADDRNOTAVAIL: "this machine does not have that address; try another --host"
            default: String(cString: strerror(errno))
            }
        }
        return nil
    }
}
