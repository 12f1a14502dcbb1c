/// How much is sent at a time: little after a start or a failure, then as much as the line carries.
///
/// A line that is too slow for a request's time-out is found by its time-outs, and the size that it carries is kept: of
/// requests that arrive after their time-out the spans would be sent twice.
struct SpanPace: Sendable {
    /// Payload of the next request, in bytes.
    private(set) var bytes: Int
    /// Requests at a time.
    private(set) var inFlight: Int
    /// Whether the next request is a small one.
    private(set) var isProbing = true
    private let options: SpanUplinkOptions

    init(_ options: SpanUplinkOptions) {
        self.options = options
        (bytes, inFlight) = (options.maxRequestBytes, options.maxInFlight)
    }

    /// Spans of the next request.
    var spans: Int { isProbing ? options.probeSpans : .max }
    var requests: Int { isProbing ? 1 : inFlight }

    /// The next request is a small one, and goes alone.
    mutating func probe() { isProbing = true }

    /// A request was answered. One that was quick for its size lets the next be larger.
    mutating func note(_ sent: Int, took: Duration) {
        defer { isProbing = false }
        guard !isProbing, sent >= bytes / 2, took < options.timeout / 6 else { return }
        if bytes < options.maxRequestBytes {
            bytes = min(options.maxRequestBytes, bytes * 2)
        } else {
            inFlight = min(options.maxInFlight, inFlight + 1)
        }
    }

    /// A request had no answer in time, or was too large.
    mutating func shrink(_ sent: Int) {
        bytes = max(options.minRequestBytes, min(bytes, sent) / 2)
        inFlight = 1
    }
}
