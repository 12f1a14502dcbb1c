import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// A data directory and its one owner: a lock on `popshop.lock`, which names the owner's pid and console.
///
/// The lock is the kernel's (`flock`), so it ends with the process however that ends; the file stays.
public final class DataDirectory: Sendable {
    /// What the lock file says of the owner.
    public struct Owner: Codable, Hashable, Sendable {
        public let pid: Int32
        /// Where its console answers; nil while it does not.
        public let console: String?

        public init(pid: Int32, console: String?) {
            self.pid = pid
            self.console = console
        }
    }

    public let path: String
    private let lock: Int32

    /// Makes the directory where it is missing, for this user only, and takes the lock.
    ///
    /// - Throws: `Refusal`: `.cannotCreate`, or `.temporary` with the owner's pid when it has one already.
    public init(path: String) throws(Refusal) {
        guard mkdirs(path) else {
            throw Refusal(.cannotCreate, "The data directory \(path) cannot be made: \(Self.lastError).")
        }
        let lock = open(Self.lockFile(path), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw Refusal(.cannotCreate, "The data directory \(path) cannot be written: \(Self.lastError).")
        }
        guard Self.take(lock) else {
            close(lock)
            let pid = Self.owner(path).map { "process \($0.pid)" } ?? "another process"
            throw Refusal(.temporary, "The data directory \(path) belongs to \(pid), which is running.")
        }
        self.path = path
        self.lock = lock
        // What an owner that was killed has left there is no longer true.
        announce(console: nil)
    }

    deinit {
        // The content goes before the lock, so that nobody reads of an owner who is gone.
        ftruncate(lock, 0)
        close(lock)
    }

    /// Tells who owns the directory now, and where its console is.
    public func announce(console: String?) {
        let owner = Owner(pid: getpid(), console: console)
        guard let text = try? JSONEncoder().encode(owner) else { return }
        ftruncate(lock, 0)
        _ = text.withUnsafeBytes { pwrite(lock, $0.baseAddress, $0.count, 0) }
    }

    /// Tries for a tenth of a second at most, once, before anything runs: whoever asks for the owner holds the lock for an
    /// instant. `flock` knows no time-out, and one that waits without end would wait for an owner.
    private static func take(_ lock: Int32) -> Bool {
        for _ in 0..<20 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(5_000)
        }
        return false
    }

    /// The owner that runs now; nil when nobody holds the lock.
    public static func owner(_ path: String) -> Owner? {
        let file = open(lockFile(path), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard flock(file, LOCK_SH | LOCK_NB) != 0 else { return nil }
        guard let text = FileManager.default.contents(atPath: lockFile(path)) else { return nil }
        return try? JSONDecoder().decode(Owner.self, from: text)
    }

    /// For those who only read or send what is there, and make no directory by looking at one.
    ///
    /// - Parameter code: Of a directory that is not there.
    /// - Throws: `Refusal` for one that is not there, or that this user may not look into, which is not an empty one.
    public static func find(_ path: String, orElse code: Refusal.Code = .dataError) throws(Refusal) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let isMissing = errno == ENOENT || errno == ENOTDIR
            throw isMissing
                ? Refusal(code, "There is no data directory \(path); name another with --data-dir.")
                : Refusal(.dataError, "The data directory \(path) cannot be read: \(lastError).")
        }
        guard access(path, R_OK | X_OK) == 0 else {
            throw Refusal(.dataError, "The data directory \(path) cannot be read: \(lastError).")
        }
    }

    private static func lockFile(_ path: String) -> String { path + "/popshop.lock" }

    fileprivate static var lastError: String { String(cString: strerror(errno)) }
}

/// Like `mkdir -p`, with the last folders for this user only.
private func mkdirs(_ path: String) -> Bool {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
        made += made.isEmpty || made == "/" ? String(part) : "/" + part
        if mkdir(made, 0o700) != 0, errno != EEXIST { return false }
    }
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
