import CHiredis
import Glibc
import Readiness

/// A connected `redisContext`, freed with its last reference. Not Sendable: it belongs to one connection's actor. Only
/// connecting blocks its thread.
final class Session {
    /// The most that one answer, or a pipeline's answers together, may hold.
    private static let mostBytes = 64 << 20

    let readiness: Readiness
    private let raw: UnsafeMutablePointer<redisContext>
    private let place: RedisURL
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// What is under way.
    private var outgoing: ArraySlice<UInt8> = []
    private var isWriting = false
    private var wanted = 0
    private var replies: [RedisReply] = []
    private var received = 0

    /// Connects. A name server that does not answer can hold it up for longer than the time-out.
    init(_ url: RedisURL, timeout: Duration) throws(RedisError) {
        let context =
            switch url.place {
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), timeval(timeout))
            case .unix(let path): redisConnectUnixWithTimeout(path, timeval(timeout))
            }
        guard let context else { throw .connecting(url, "there is no memory") }
        do throws(RedisError) {
            guard context.pointee.err == 0 else { throw .connecting(url, Self.reason(context)) }
            let descriptor = context.pointee.fd
            let flags = fcntl(descriptor, F_GETFL)
            guard fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
            else {
                throw .connecting(url, "its socket cannot be set up")
            }
            guard let readiness = Readiness(descriptor) else { throw .connecting(url, "no descriptor is left") }
            self.readiness = readiness
        } catch {
            redisFree(context)
            throw error
        }
        raw = context
        place = url
    }

    deinit { redisFree(raw) }

    private var descriptor: Int32 { raw.pointee.fd }

    /// Begins an exchange: what `send` sends, and how many answers `receive` waits for.
    func begin(_ commands: [RedisCommand]) {
        var bytes: [UInt8] = []
        for command in commands { command.encode(into: &bytes) }
        (outgoing, wanted, replies, received) = (bytes[...], commands.count, [], 0)
    }

    /// Sends what the line takes of what is left; the readiness tells when it takes more.
    func send() throws(RedisError) {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                outgoing = outgoing.dropFirst(count)
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                throw lost
            }
        }
        guard isWriting == outgoing.isEmpty else { return }
        isWriting.toggle()
        readiness.setWriting(isWriting)
    }

    /// Takes all that has come.
    ///
    /// - Returns: The answers, when all of them are there.
    func receive() throws(RedisError) -> [RedisReply]? {
        repeat {
            guard try take() else { return nil }
            while replies.count < wanted, let reply = try nextReply() { replies.append(reply) }
        } while replies.count < wanted
        // More than was asked for would be taken for the next command's answer.
        guard raw.pointee.reader.pointee.pos == raw.pointee.reader.pointee.len else { throw violation }
        return replies
    }

    /// - Returns: False when nothing has come.
    private func take() throws(RedisError) -> Bool {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count == 0 { throw lost }
        guard count > 0 else {
            if errno == EINTR { return true }
            guard errno == EAGAIN else { throw lost }
            return false
        }
        received += count
        let isFed = buffer.withUnsafeBytes { bytes in
            redisReaderFeed(raw.pointee.reader, bytes.baseAddress, count) == REDIS_OK
        }
        guard isFed, received <= Self.mostBytes else { throw violation }
        return true
    }

    private func nextReply() throws(RedisError) -> RedisReply? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(raw.pointee.reader, &reply) == REDIS_OK else { throw violation }
        guard let reply else { return nil }
        defer { freeReplyObject(reply) }
        return try RedisReply(UnsafePointer(reply.assumingMemoryBound(to: redisReply.self)))
    }

    var timeout: RedisError { RedisError(.timeout, "\(place) did not answer in time.") }

    var lost: RedisError { RedisError(.connectionLost, "The connection to \(place) was lost.") }

    private var violation: RedisError {
        RedisError(.protocolViolation, "What answers at \(place.address) does not speak the protocol of Redis.")
    }

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
