/// How large the span buffer may grow, and how soon it writes.
public struct BufferConfiguration: Hashable, Sendable {
    /// All of the buffer's files, in bytes. Beyond it whole slices are dropped: delivered ones first, then the oldest.
    public var maxBytes: Int
    /// A slice is sealed at this size, in bytes; at most a quarter of `maxBytes`, so that there is something to drop.
    public var sliceBytes: Int
    /// Spans that may wait in memory to be written; more are dropped and counted.
    public var queueSpans: Int
    /// Bytes that may wait in memory to be written.
    public var queueBytes: Int
    /// How long a span waits for others to share its transaction.
    public var flushInterval: Duration

    public init(
        maxBytes: Int = 1 << 30,
        sliceBytes: Int = 64 << 20,
        queueSpans: Int = 65_536,
        queueBytes: Int = 64 << 20,
        flushInterval: Duration = .milliseconds(20)
    ) {
        self.maxBytes = maxBytes
        self.sliceBytes = min(sliceBytes, max(maxBytes / 4, 1))
        self.queueSpans = queueSpans
        self.queueBytes = queueBytes
        self.flushInterval = flushInterval
    }
}
