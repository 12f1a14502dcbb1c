#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file, and the path at which it was found.
///
/// A database that is open goes on working when its file has been moved or removed, or its disk taken away: what is written
/// then is nowhere that anybody would look for it. So what must not be lost asks first whether the file is where it was.
public struct FileIdentity: Hashable, Sendable {
    public let path: String
    private let device: dev_t
    private let number: ino_t

    /// Nil where there is no file.
    public init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.path = path
        device = status.st_dev
        number = status.st_ino
    }

    /// Whether the path still leads to it. Takes about a microsecond.
    public var isInPlace: Bool { FileIdentity(path: path) == self }
}
