#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the buffer's files are, and what may be done to them.
struct BufferFiles: Hashable, Sendable {
    /// `<data-dir>/telemetry`.
    let directory: String

    var ledger: String { directory + "/ledger.sqlite" }
    var slices: String { directory + "/slices" }

    func slice(_ id: Int64) -> String {
        let digits = String(id)
        return slices + "/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".sqlite"
    }

    /// - Throws: What the file system says.
    func create() throws {
        try FileManager.default.createDirectory(atPath: slices, withIntermediateDirectories: true)
        // What is opened needs room for its logs, which an orderly end has removed.
        if lacksRoom { giveUpReserve() } else { keepReserve() }
    }

    /// Whether the file system has less left than the reserve would take.
    var lacksRoom: Bool { room < UInt64(Self.reserveBytes) }

    /// What the file system has left, in bytes; the most where it does not say.
    private var room: UInt64 {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return .max }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    private var reserve: String { directory + "/reserve" }
    private static let reserveBytes = 256 * 1024

    /// Room that is taken now, so that books can be written when a disk is full: nothing is deleted before they are.
    /// Does without where it would take the room that is needed now.
    func keepReserve() {
        guard bytes(reserve) < Self.reserveBytes, room >= 2 * UInt64(Self.reserveBytes) else { return }
        let zeros = Data(count: Self.reserveBytes)
        if !FileManager.default.createFile(atPath: reserve, contents: zeros) { giveUpReserve() }
    }

    func giveUpReserve() { try? FileManager.default.removeItem(atPath: reserve) }

    /// The slices that have a file, oldest first.
    func sliceIDs() -> [Int64] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: slices)) ?? []
        return names.compactMap { name in
            name.hasSuffix(".sqlite") ? Int64(name.dropLast(7)) : nil
        }.sorted()
    }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// A database with its log, in bytes. Reads the directory only: opening and closing a file that SQLite has open
    /// would take away SQLite's locks on it (POSIX advisory locks are the process's).
    func bytes(_ path: String) -> Int {
        Self.suffixes.reduce(0) { sum, suffix in
            var status = stat()
            return stat(path + suffix, &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }

    /// Gives a database's space back. The log goes last: a file without its log must never be opened.
    func unlink(_ path: String) {
        for suffix in Self.suffixes { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    /// Moves a database that cannot be used out of the way, with its log, and says where it went.
    ///
    /// - Throws: What the file system says.
    func setAside(_ path: String, timestamp: UInt64) throws -> String {
        var target = "\(path).corrupt-\(timestamp / 1_000_000)"
        while exists(target) { target += "x" }
        try FileManager.default.moveItem(atPath: path, toPath: target)
        for suffix in Self.suffixes.dropFirst() where exists(path + suffix) {
            try FileManager.default.moveItem(atPath: path + suffix, toPath: target + suffix)
        }
        return target
    }

    private static let suffixes = ["", "-wal", "-shm"]
}
