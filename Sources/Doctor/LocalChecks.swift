public import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// Checks of this machine alone.
public enum LocalChecks {
    /// The least free disk with which a show should start, in bytes.
    public static let leastFreeDisk: UInt64 = 256 << 20

    /// Whether a directory can be written and how much room its file system has: tried, and nothing is left behind.
    public static func dataDirectory(_ path: String, budget: Int) -> [Finding] {
        var folder = path
        while !FileManager.default.fileExists(atPath: folder), let slash = folder.lastIndex(of: "/"),
            slash > folder.startIndex
        {
            folder = String(folder[..<slash])
        }
        if !FileManager.default.fileExists(atPath: folder) { folder = "." }
        // The rights alone do not tell: some file systems take no new folder from anybody.
        let trial = folder + "/.popshop-doctor-\(getpid())"
        guard mkdir(trial, 0o700) == 0, rmdir(trial) == 0 else {
            return [Finding(.bad, "data directory", "\(path) cannot be written; choose another with --data-dir.")]
        }
        return [Finding(.good, "data directory", "\(path) can be written."), disk(folder, budget)]
    }

    private static func disk(_ folder: String, _ budget: Int) -> Finding {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return Finding(.note, "disk", "Its free space cannot be told.") }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        let text = "\(free >> 20) MiB are free"
        if free < leastFreeDisk {
            return Finding(.bad, "disk", "Only \(text); \(leastFreeDisk >> 20) MiB are the least to start with.")
        }
        if free < UInt64(budget) {
            return Finding(.note, "disk", "\(text), less than the span buffer's budget of \(budget >> 20) MiB.")
        }
        return Finding(.good, "disk", "\(text).")
    }

    /// Whether the clock can be right: a span with a time that cannot be is refused by every backend.
    ///
    /// - Parameter now: Seconds since 1970.
    public static func clock(now: Double = Date().timeIntervalSince1970) -> Finding {
        let text = Date(timeIntervalSince1970: now.rounded()).formatted(.iso8601)
        // When this was written; no right clock can be before it.
        let earliest = 1_790_000_000.0
        guard now >= earliest, now < earliest + 20 * 365 * 86_400 else {
            return Finding(
                .bad,
                "clock",
                "It says \(text), which cannot be; set it, or traces will be refused upstream."
            )
        }
        return Finding(.good, "clock", "It says \(text).")
    }

    /// Whether a Send-Your-Data key can be one. The key itself is never shown.
    ///
    /// - Parameter isNeeded: Whether spans would go to Coralogix, and not to another backend.
    public static func key(_ key: String?, isNeeded: Bool) -> Finding {
        guard isNeeded else {
            return Finding(.good, "key", "None is needed: spans go to the OTLP endpoint that is set.")
        }
        guard let key else {
            return Finding(
                .note,
                "key",
                "CX_TOKEN is not set: spans stay in the buffer, to be seen here or sent later."
            )
        }
        let isPlain = key.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard isPlain, key.utf8.count >= 8 else {
            return Finding(
                .bad,
                "key",
                "The Coralogix key is too short or has spaces or line breaks in it; set it anew."
            )
        }
        return Finding(.good, "key", "A Coralogix key is set.")
    }
}
