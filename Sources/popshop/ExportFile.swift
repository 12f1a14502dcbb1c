import Shop

#if canImport(Glibc)
    import Glibc
#endif

/// A file written under another name and renamed when it is whole, so that a half-written export is never taken for one.
struct ExportFile {
    private let path: String
    private let temporary: String
    private let file: Int32

    /// - Throws: `Refusal` when it cannot be made.
    init(_ path: String) throws(Refusal) {
        self.path = path
        temporary = path + ".part"
        file = path == "-" ? STDOUT_FILENO : open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.refusal(path) }
    }

    func write(_ bytes: [UInt8]) throws(Refusal) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                let refusal = Self.refusal(path)
                if path != "-" { unlink(temporary) }
                throw refusal
            }
            rest = rest.dropFirst(written)
        }
    }

    func finish() throws(Refusal) {
        guard path != "-" else { return }
        guard fsync(file) == 0, close(file) == 0, rename(temporary, path) == 0 else { throw Self.refusal(path) }
    }

    private static func refusal(_ path: String) -> Refusal {
        Refusal(.cannotCreate, "\(path) cannot be written: \(String(cString: strerror(errno))).")
    }
}
