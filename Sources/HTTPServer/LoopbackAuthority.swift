/// Whether a request's `Host` names this machine.
///
/// A page of another site can have its own name resolve to 127.0.0.1 and then read what a server on loopback answers: to
/// the browser it is that page's own origin (DNS rebinding). Its `Host` is still the other name.
public enum LoopbackAuthority {
    /// - Parameter authority: As it was sent, with a port or without; nil, which no browser leaves out, is let through.
    public static func isLoopback(_ authority: String?) -> Bool {
        guard let authority, !authority.isEmpty else { return true }
        if authority.hasPrefix("[::1]") { return [nil, ":"].contains(authority.dropFirst("[::1]".count).first) }
        let name = authority.prefix { $0 != ":" }.lowercased()
        return name == "localhost" || name.hasSuffix(".localhost") || isLoopbackAddress(name)
    }

    /// Whether nobody but this machine can reach a server that listens on a host.
    public static func isLoopback(listeningOn host: String) -> Bool {
        host == "::1" || !host.isEmpty && isLoopback(host)
    }

    /// 127.0.0.0/8 (RFC 1122, section 3.2.1.3), in four numbers: a name such as `127.example` is none.
    private static func isLoopbackAddress(_ name: String) -> Bool {
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && numbers[0] == 127 && numbers.allSatisfy { $0 != nil }
    }
}
