import CHiredis
import Foundation
import RedisClient
import Synchronization

/// The least that a client must do for a cart on Redis: the shop's own command by hiredis itself, one an exchange, without a
/// span or a server in front.
struct BareRedis: Sendable {
    /// As many connections as load the shop.
    private static let connections = Wrk.connections
    private static let numbers = Atomic(0)

    private let url: RedisURL
    /// What the shop sends: `EVALSHA`, the script's digest, 2, the cart's keys, the change's kind and id, the time, a cart's
    /// lifetime, the most changes, the product, its quantity, and what else a line has.
    private let command: [String]

    /// Learns the command from the server.
    ///
    /// - Parameter add: Adds to a cart by the shop, which has done so before: Redis has the script by then.
    init(_ url: String, watching add: () async throws -> Void) async throws {
        self.url = try RedisURL(url)
        let connection = try Connection(self.url)
        try connection.watch()
        try await add()
        var words: [String] = []
        while words.first != "EVALSHA" { words = Self.words(of: try connection.line()) }
        guard words.count > 12 else { throw Failure("Redis: that is no change to a cart: \(words)") }
        command = words
    }

    /// Adds a second, ten to a cart.
    func addRate(seconds: Int) async throws -> Double {
        let (url, command) = (url, command)
        return try await Threads.rate(Self.connections, seconds: seconds) {
            let connection = try Connection(url)
            var words = command
            return {
                let number = Self.numbers.add(1, ordering: .relaxed).newValue
                let cart = "bare-\(getpid())-\(number / 10)"
                (words[3], words[4]) = ("popshop:cart:\(cart)", "popshop:cart-changes:\(cart)")
                (words[6], words[10]) = ("\(number)", "\(number % 21 + 1)")
                try connection.change(words)
                return 1
            }
        }
    }

    /// Of a line that MONITOR shows: the texts in quotes. None of ours has a quote in it.
    private static func words(of line: String) -> [String] {
        line.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    /// Used by one thread at a time.
    private final class Connection {
        private let raw: UnsafeMutablePointer<redisContext>

        init(_ url: RedisURL) throws {
            let context =
                switch url.place {
                case .tcp(let host, let port): redisConnect(host, Int32(port))
                case .unix(let path): redisConnectUnix(path)
                }
            guard let context else { throw Failure("There is no memory for a connection.") }
            raw = context
            guard raw.pointee.err == 0, redisSetTimeout(raw, timeval(tv_sec: 10, tv_usec: 0)) == REDIS_OK else {
                throw error
            }
            freeReplyObject(try execute(["SELECT", "\(url.database)"]))
        }

        deinit { redisFree(raw) }

        func watch() throws { freeReplyObject(try execute(["MONITOR"])) }

        /// The next line of what is watched.
        func line() throws -> String {
            var reply: UnsafeMutableRawPointer?
            guard redisGetReply(raw, &reply) == REDIS_OK, let reply else { throw error }
            defer { freeReplyObject(reply) }
            return String(cString: reply.assumingMemoryBound(to: redisReply.self).pointee.str)
        }

        /// - Throws: `Failure` when the cart was not changed.
        func change(_ words: [String]) throws {
            let reply = try execute(words)
            defer { freeReplyObject(reply) }
            guard reply.pointee.type == REDIS_REPLY_ARRAY, reply.pointee.element[0]?.pointee.integer == 0 else {
                throw Failure("Redis: the cart was not changed.")
            }
        }

        private func execute(_ words: [String]) throws -> UnsafeMutablePointer<redisReply> {
            let copies = words.map { strdup($0) }
            defer { for copy in copies { free(copy) } }
            var pointers = copies.map { UnsafePointer($0) }
            guard let reply = redisCommandArgv(raw, Int32(words.count), &pointers, words.map(\.utf8.count)) else {
                throw error
            }
            let answer = reply.assumingMemoryBound(to: redisReply.self)
            guard answer.pointee.type != REDIS_REPLY_ERROR else {
                defer { freeReplyObject(reply) }
                throw Failure("Redis: \(String(cString: answer.pointee.str))")
            }
            return answer
        }

        private var error: Failure {
            withUnsafeBytes(of: raw.pointee.errstr) { bytes in
                Failure("Redis: \(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)).")
            }
        }
    }
}
