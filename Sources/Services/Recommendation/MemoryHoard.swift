import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory that is kept for nothing, and really given back: pages of the kernel's own, and not of an allocator that would
/// keep them.
public final class MemoryHoard: Sendable {
    private static let mebibyte = 1 << 20
    /// Where each MiB begins. Nobody but the lock's holder has the addresses.
    private let pages = Mutex<[UnsafeMutableRawPointer]>([])

    public init() {}

    deinit { empty() }

    /// In MiB.
    public var mebibytes: Int { pages.withLock { $0.count } }

    /// Takes another MiB and writes to all of it.
    ///
    /// - Returns: False when the bound is reached, or the system has no more.
    func grow(upTo bound: Int) -> Bool {
        pages.withLock { pages in
            guard pages.count < bound else { return false }
            let flags = MAP_PRIVATE | MAP_ANONYMOUS
            guard let address = mmap(nil, Self.mebibyte, PROT_READ | PROT_WRITE, flags, -1, 0), address != MAP_FAILED
            else { return false }
            memset(address, 0x5a, Self.mebibyte)
            pages.append(address)
            return true
        }
    }

    /// Gives everything back.
    public func empty() {
        pages.withLock { pages in
            for page in pages { munmap(page, Self.mebibyte) }
            pages = []
        }
    }
}
