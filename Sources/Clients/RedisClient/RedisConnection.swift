import Dispatch
import Glibc
import QueueExecutor
import Synchronization

/// One connection to a Redis: an actor on a queue of its own, which alone it blocks, and never for longer than the
/// time-out.
///
/// After an error other than a server's refusal it is of no more use: an answer that comes late would be taken for the
/// next command's.
public actor RedisConnection {
    public nonisolated let configuration: RedisConfiguration

    private let executor = QueueExecutor(label: "popshop.redis")

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private var session: Session?
    /// -1 when there is no connection that could be lent.
    private let idle = Atomic<Int32>(-1)

    private init(_ configuration: RedisConfiguration) { self.configuration = configuration }

    /// Connects, and gives the password and the database's number if there are any.
    ///
    /// - Throws: `RedisError` with `connectionFailed`, when half of the time-out is over even if a name server still
    ///   keeps the queue waiting: what was begun then ends by itself.
    public static func connect(_ configuration: RedisConfiguration) async throws(RedisError) -> RedisConnection {
        let connection = RedisConnection(configuration)
        let attempt = ConnectAttempt()
        let error = await withCheckedContinuation { hand in
            attempt.begin(hand)
            connection.begin(attempt)
        }
        guard let error else { return connection }
        connection.closeSoon()
        throw error
    }

    /// Whether the next one who borrows it can use it: connected, nothing under way, and nothing unread, which could
    /// only be the server's farewell. To be asked by nobody but who has it.
    public nonisolated var isReusable: Bool {
        var watched = pollfd(fd: idle.load(ordering: .acquiring), events: Int16(POLLIN), revents: 0)
        return watched.fd >= 0 && poll(&watched, 1, 0) == 0
    }

    /// Executes one command.
    ///
    /// - Parameter timeout: Instead of the configuration's.
    /// - Throws: `RedisError`.
    @discardableResult
    public func execute(_ command: RedisCommand, timeout: Duration? = nil) throws(RedisError) -> RedisReply {
        try execute([command], timeout: timeout)[0].orThrow(command)
    }

    /// Executes commands one after the other, in one exchange with the server. A command that it refuses is an `error`
    /// among the replies, and those after it are executed.
    ///
    /// - Returns: As many replies as there are commands.
    /// - Throws: `RedisError`, but none with the code `server`.
    public func execute(_ commands: [RedisCommand], timeout: Duration? = nil) throws(RedisError) -> [RedisReply] {
        guard let session else { throw RedisError(.connectionLost, "The connection is closed.") }
        idle.store(-1, ordering: .releasing)
        do {
            let replies = try session.exchange(commands, .now + (timeout ?? configuration.timeout))
            idle.store(session.descriptor, ordering: .releasing)
            return replies
        } catch {
            hangUp()
            throw error
        }
    }

    /// Executes a script by its digest, and by its text where the server does not have it yet.
    ///
    /// - Throws: `RedisError`.
    public func execute(
        _ script: RedisScript,
        keys: [[UInt8]],
        _ arguments: [[UInt8]],
        timeout: Duration? = nil
    ) throws(RedisError) -> RedisReply {
        let deadline = ContinuousClock.now + (timeout ?? configuration.timeout)
        if let command = script.byDigest(keys, arguments) {
            let reply = try execute([command], timeout: timeout)[0]
            if case .error(let text) = reply, text.hasPrefix("NOSCRIPT") {} else { return try reply.orThrow(command) }
        } else {
            // Only the digest is of interest, and it is always the same.
            script.learn(try execute(RedisCommand("SCRIPT", "LOAD", script.text), timeout: timeout))
        }
        return try execute(script.byText(keys, arguments), timeout: deadline - .now)
    }

    /// Hangs up. What comes after fails with `connectionLost`.
    public func close() { hangUp() }

    /// Hangs up without waiting for it.
    nonisolated func closeSoon() {
        executor.queue.async { self.assumeIsolated { $0.hangUp() } }
    }

    private func hangUp() {
        idle.store(-1, ordering: .releasing)
        session = nil
    }

    private nonisolated func begin(_ attempt: ConnectAttempt) {
        let (url, timeout) = (configuration.url, configuration.connectTimeout)
        // The attempt alone is kept until then, and it is nothing but an error by that time.
        DispatchQueue.global().asyncAfter(deadline: .now() + timeout.dispatchInterval) {
            attempt.end(.connecting(url, "no connection was made within \(timeout)"))
        }
        executor.queue.async { self.assumeIsolated { attempt.end($0.start()) } }
    }

    private func start() -> RedisError? {
        let deadline = ContinuousClock.now + configuration.connectTimeout
        do {
            session = try Session(configuration.url, timeout: configuration.connectTimeout)
            let introduction = configuration.url.introduction
            let replies = try execute(introduction, timeout: deadline - .now)
            for (command, reply) in zip(introduction, replies) { _ = try reply.orThrow(command) }
            return nil
        } catch {
            hangUp()
            return error.code == .connectionFailed ? error : .connecting(configuration.url, error)
        }
    }
}

extension RedisURL {
    /// What a new connection says first. PING where there is nothing else, so that a server which does not speak the
    /// protocol, or wants a password, is found out while connecting.
    fileprivate var introduction: [RedisCommand] {
        var commands: [RedisCommand] = []
        if let password {
            commands.append(RedisCommand("AUTH", ([user].compactMap(\.self) + [password]).map { Array($0.utf8) }))
        }
        commands.append(database > 0 ? RedisCommand("SELECT", "\(database)") : RedisCommand("PING"))
        return commands
    }
}

extension RedisError {
    fileprivate static func connecting(_ url: RedisURL, _ error: RedisError) -> RedisError {
        RedisError(.connectionFailed, "\(url) cannot be used. \(error.message)")
    }
}

extension Duration {
    /// For Dispatch. No wait of ours is longer than a day, and a day in nanoseconds fits.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = min(max(self, .zero), .seconds(86_400)).components
        return .nanoseconds(Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}

/// A try to connect: ended by whoever is first of the server and the clock.
private final class ConnectAttempt: Sendable {
    private let hand = Mutex<CheckedContinuation<RedisError?, Never>?>(nil)

    func begin(_ hand: CheckedContinuation<RedisError?, Never>) { self.hand.withLock { $0 = hand } }

    func end(_ error: RedisError?) {
        hand.withLock { $0.take() }?.resume(returning: error)
    }
}
