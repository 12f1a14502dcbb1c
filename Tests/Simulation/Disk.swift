import CFaultyDisk
import FoundationEssentials
import GRDBSQLite
import Synchronization

/// One directory that fails on demand beneath SQLite. A process that is killed leaves its files as they were at that
/// moment: they go on as another disk, and what the dying process still does to the old ones is lost.
final class Disk {
    enum Mode: Int32 {
        case sound = 0
        /// Every write fails.
        case refuses = 1
        /// There is no room for more than what is there.
        case full = 2
        /// Nothing can be read either.
        case gone = 3
    }

    let path: String
    private let parent: String
    private let number: Int32

    /// An empty one.
    init(in parent: String) throws {
        Self.install
        self.parent = parent
        number = Self.nextNumber()
        path = "\(parent)/disk-\(number)"
        faulty_disk_reset(number)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var mode = Mode.sound {
        didSet { if mode == .full { faulty_disk_fill(number, path) } else { faulty_disk_set(number, mode.rawValue) } }
    }

    /// How many writes were refused.
    var refusals: Int64 { faulty_disk_refusals(number) }

    /// The last of so many writes is torn, and none after it is made.
    func dieAfter(writes: Int) { faulty_disk_die_after(number, Int64(writes)) }

    /// Whether that has come.
    var isDead: Bool { faulty_disk_is_dead(number) != 0 }

    /// As a kill leaves it. The old one takes no write any more.
    func asKilled() throws -> Disk {
        faulty_disk_die_after(number, 0)
        let copy = try Disk(in: parent)
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) where !name.hasSuffix("-shm") {
            var isDirectory = false
            guard FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory) else { continue }
            if isDirectory {
                try FileManager.default.createDirectory(
                    atPath: "\(copy.path)/\(name)",
                    withIntermediateDirectories: true
                )
            } else {
                try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(copy.path)/\(name)")
            }
        }
        return copy
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    private static let counter = Atomic<Int>(0)

    private static func nextNumber() -> Int32 {
        Int32(counter.add(1, ordering: .relaxed).newValue % (Int(FAULTY_DISK_COUNT) - 1) + 1)
    }

    /// SQLite's own system calls are ours from here on, once in a process.
    private static let install: Void = {
        guard let vfs = sqlite3_vfs_find(nil), let set = vfs.pointee.xSetSystemCall else { return }
        func replace(_ name: String, _ function: UnsafeRawPointer) {
            _ = set(vfs, name, unsafeBitCast(function, to: sqlite3_syscall_ptr.self))
        }
        let open: @convention(c) (UnsafePointer<CChar>?, CInt, CInt) -> CInt = faulty_open
        let pwrite: @convention(c) (CInt, UnsafeRawPointer?, Int, Int) -> Int = faulty_pwrite
        let pread: @convention(c) (CInt, UnsafeMutableRawPointer?, Int, Int) -> Int = faulty_pread
        let read: @convention(c) (CInt, UnsafeMutableRawPointer?, Int) -> Int = faulty_read
        let write: @convention(c) (CInt, UnsafeRawPointer?, Int) -> Int = faulty_write
        let truncate: @convention(c) (CInt, Int) -> CInt = faulty_ftruncate
        replace("open", unsafeBitCast(open, to: UnsafeRawPointer.self))
        replace("pwrite", unsafeBitCast(pwrite, to: UnsafeRawPointer.self))
        replace("pwrite64", unsafeBitCast(pwrite, to: UnsafeRawPointer.self))
        replace("pread", unsafeBitCast(pread, to: UnsafeRawPointer.self))
        replace("pread64", unsafeBitCast(pread, to: UnsafeRawPointer.self))
        replace("read", unsafeBitCast(read, to: UnsafeRawPointer.self))
        replace("write", unsafeBitCast(write, to: UnsafeRawPointer.self))
        replace("ftruncate", unsafeBitCast(truncate, to: UnsafeRawPointer.self))
    }()
}
