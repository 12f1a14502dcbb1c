/// What a spans lane keeps to.
public struct SpanUplinkOptions: Sendable {
    /// Payload of one request before compression, in bytes: near but under the 2 MB that Coralogix recommends at most.
    public var maxRequestBytes = 1_900_000
    /// A line that does not carry this much in the time-out is none.
    public var minRequestBytes = 32 << 10
    /// Spans in the first request after a start or a failure: what is lost in time, or refused, is little then.
    public var probeSpans = 100
    /// Requests at a time.
    public var maxInFlight = 3
    /// For one request and its answer.
    public var timeout = Duration.seconds(30)
    /// An answer to spans is a few bytes.
    public var maxAnswerBytes = 1 << 20
    /// Spans that started longer ago are not sent.
    public var maxAge = Duration.seconds(86_400 - 300)
    /// Spans that start further ahead are held: the backend's hour less a margin.
    public var maxAhead = Duration.seconds(3_600 - 60)
    public var backOffBase = Duration.seconds(1)
    /// Also the time between two probes of a blocked lane.
    public var backOffCap = Duration.seconds(60)
    /// Clocks that differ by less agree.
    public var toleratedSkew = Duration.seconds(300)
    /// A clock that has moved by more was set, and what was known of it counts for nothing: less than the margins above.
    public var toleratedStep = Duration.seconds(30)
    /// So many single spans refused in a row are no bad spans but a bad upstream.
    public var maxRefusedInARow = 64
    /// So many single spans that were refused beside others are heard before more is sent.
    public var maxSuspects = 32

    public init() {}
}

extension Duration {
    /// In nanoseconds; a duration here is at least zero.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000).partialValue
            &+ UInt64(clamping: attoseconds / 1_000_000_000)
    }
}
