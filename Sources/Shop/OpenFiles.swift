#if canImport(Glibc)
    import Glibc
#endif

/// How many files, and so connections, this process may have open.
public enum OpenFiles {
    /// For databases, for calls to other services, and for what else a process has.
    private static let reserved = 512

    /// Takes what the system allows at most: the usual 1024 are for programs with `select`, and nine servers share them.
    public static func raiseLimit() {
        var limit = current
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

    /// How many of them may be connections of clients.
    static var connections: Int {
        let all = Int(clamping: current.rlim_cur)
        return all - min(reserved, all / 2)
    }

    private static var current: rlimit {
        var limit = rlimit()
        getrlimit(resource, &limit)
        return limit
    }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
}
