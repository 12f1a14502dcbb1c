import CHiredis
import Glibc

/// A connected `redisContext`, freed with its last reference. Not Sendable: it belongs to one connection's queue, which
/// all it does may block, but never beyond the deadline.
final class Session {
    /// The most that one answer, or a pipeline's answers together, may hold.
    private static let mostBytes = 64 << 20

    private let raw: UnsafeMutablePointer<redisContext>
    private let place: RedisURL
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// Connects. A name server that does not answer can hold it up for longer than the time-out.
    init(_ url: RedisURL, timeout: Duration) throws(RedisError) {
        let context =
            switch url.place {
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), timeval(timeout))
            case .unix(let path): redisConnectUnixWithTimeout(path, timeval(timeout))
            }
        guard let context else { throw .connecting(url, "there is no memory") }
        raw = context
        place = url
        // From here on the object is whole, and what is thrown frees the context.
        guard context.pointee.err == 0 else { throw .connecting(url, Self.reason(context)) }
        let flags = fcntl(descriptor, F_GETFL)
        guard fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw .connecting(url, "its socket cannot be set up")
        }
    }

    deinit { redisFree(raw) }

    var descriptor: Int32 { raw.pointee.fd }

    /// Sends commands and reads as many answers.
    func exchange(_ commands: [RedisCommand], _ deadline: ContinuousClock.Instant) throws(RedisError) -> [RedisReply] {
        var bytes: [UInt8] = []
        for command in commands { command.encode(into: &bytes) }
        var sent = 0
        var received = 0
        var replies: [RedisReply] = []
        // Both at once: a server that cannot get rid of its answers stops reading.
        while replies.count < commands.count {
            if sent < bytes.count { sent += try send(bytes[sent...]) }
            try wait(sent < bytes.count ? POLLIN | POLLOUT : POLLIN, deadline)
            received += try receive()
            guard received <= Self.mostBytes else { throw violation }
            while replies.count < commands.count, let reply = try nextReply() { replies.append(reply) }
        }
        // More than was asked for would be taken for the next command's answer.
        guard raw.pointee.reader.pointee.pos == raw.pointee.reader.pointee.len else { throw violation }
        return replies
    }

    private func send(_ bytes: ArraySlice<UInt8>) throws(RedisError) -> Int {
        let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count >= 0 { return count }
        guard Self.isPassing(errno) else { throw lost }
        return 0
    }

    private func wait(_ events: Int32, _ deadline: ContinuousClock.Instant) throws(RedisError) {
        var watched = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let left = (deadline - .now) / .milliseconds(1)
        // Rounded up, since less than a millisecond would be a wait of none.
        let ready = left > 0 ? poll(&watched, 1, Int32(clamping: Int(left.rounded(.up)))) : 0
        if ready == 0 { throw RedisError(.timeout, "\(place) did not answer in time.") }
        guard ready > 0 || errno == EINTR else { throw lost }
    }

    /// Takes what has come, if anything has.
    private func receive() throws(RedisError) -> Int {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count == 0 { throw lost }
        guard count > 0 else {
            guard Self.isPassing(errno) else { throw lost }
            return 0
        }
        let isFed = buffer.withUnsafeBytes { bytes in
            redisReaderFeed(raw.pointee.reader, bytes.baseAddress, count) == REDIS_OK
        }
        guard isFed else { throw violation }
        return count
    }

    private func nextReply() throws(RedisError) -> RedisReply? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(raw.pointee.reader, &reply) == REDIS_OK else { throw violation }
        guard let reply else { return nil }
        defer { freeReplyObject(reply) }
        return try RedisReply(UnsafePointer(reply.assumingMemoryBound(to: redisReply.self)))
    }

    private var lost: RedisError { RedisError(.connectionLost, "The connection to \(place) was lost.") }

    private var violation: RedisError {
        RedisError(.protocolViolation, "What answers at \(place.address) does not speak the protocol of Redis.")
    }

    private static func isPassing(_ error: Int32) -> Bool { error == EAGAIN || error == EINTR }

    private static func reason(_ context: UnsafeMutablePointer<redisContext>) -> String {
        let text = withUnsafeBytes(of: context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return text.isEmpty ? "no reason given" : text
    }
}

extension RedisError {
    static func connecting(_ url: RedisURL, _ reason: String) -> RedisError {
        RedisError(.connectionFailed, "\(url) cannot be used: \(reason).")
    }
}

extension timeval {
    /// Not zero, which hiredis takes for *for ever*.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = max(duration, .milliseconds(1)).components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
