/// What an engine could not do, whichever it is.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds a caller may want to tell apart.
    public struct Code: Hashable, Sendable {
        /// As `error.type` on spans.
        public let name: String

        /// Cannot be reached, or is shutting down.
        public static let unavailable = Code(name: "storage_unavailable")
        /// No connection became free in time.
        public static let poolExhausted = Code(name: "pool_exhausted")
        /// The disk is full.
        public static let diskFull = Code(name: "disk_full")
        /// What is stored cannot be read.
        public static let corrupt = Code(name: "storage_corrupt")
        /// Anything else.
        public static let failed = Code(name: "storage_failed")
    }

    public let code: Code
    /// For logs and spans, never for clients: it may name files.
    public let detail: String

    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { "\(code.name): \(detail)" }
}
