/// Where a Redis is, and the bounds of what is asked of it.
public struct RedisConfiguration: Sendable {
    public var url: RedisURL

    /// The time for one command or one pipeline, a wait for a connection included where it comes from a pool. Making a
    /// connection, with its password and database, may take half of it, and so may the wait; a command has a quarter of
    /// it at least. So nothing takes longer than five quarters of it.
    public var timeout: Duration

    public init(url: RedisURL, timeout: Duration = .milliseconds(400)) {
        self.url = url
        self.timeout = timeout
    }

    /// - Throws: `RedisError.Code.invalidURL`.
    public init(url: String, timeout: Duration = .milliseconds(400)) throws(RedisError) {
        self.init(url: try RedisURL(url), timeout: timeout)
    }

    var connectTimeout: Duration { timeout / 2 }
}
