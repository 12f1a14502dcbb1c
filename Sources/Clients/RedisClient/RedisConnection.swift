import Readiness
import Synchronization

/// One connection to a Redis: an actor that works on the thread of whoever calls it and blocks none while it waits.
///
/// After an error other than a server's refusal it is of no more use: an answer that comes late would be taken for the
/// next command's.
public actor RedisConnection {
    public nonisolated let configuration: RedisConfiguration

    private var session: Session?
    private var isExecuting = false
    private lazy var timer = DeadlineTimer { [weak self] in Task { await self?.timerIsDue() } }
    /// Nil when there is no connection that could be lent.
    private let idle = Mutex<Readiness?>(nil)

    private init(_ configuration: RedisConfiguration) { self.configuration = configuration }

    /// Connects, and gives the password and the database's number if there are any.
    ///
    /// - Throws: `RedisError` with `connectionFailed`, when half of the time-out is over even if a name server still
    ///   keeps a thread waiting: what was begun then ends by itself.
    public static func connect(_ configuration: RedisConfiguration) async throws(RedisError) -> RedisConnection {
        let deadline = ContinuousClock.now + configuration.connectTimeout
        let (url, timeout) = (configuration.url, configuration.connectTimeout)
        let outcome = await BlockingAttempt<Session, RedisError>().outcome(
            label: "popshop.redis.connect",
            timeout: timeout,
            overdue: .connecting(url, "no connection was made within \(timeout)")
        ) { () throws(RedisError) in
            try Session(url, timeout: timeout)
        }
        let connection = RedisConnection(configuration)
        try await connection.use(outcome.get(), deadline)
        return connection
    }

    /// Whether the next one who borrows it can use it: connected, nothing under way, and nothing unread, which could
    /// only be the server's farewell.
    public nonisolated var isReusable: Bool { idle.withLock { $0?.isQuiet ?? false } }

    /// Executes one command.
    ///
    /// - Parameter timeout: Instead of the configuration's.
    /// - Throws: `RedisError`.
    @discardableResult
    public func execute(_ command: RedisCommand, timeout: Duration? = nil) async throws(RedisError) -> RedisReply {
        try await execute([command], timeout: timeout)[0].orThrow(command)
    }

    /// Executes commands one after the other, in one exchange with the server. A command that it refuses is an `error`
    /// among the replies, and those after it are executed.
    ///
    /// - Returns: As many replies as there are commands.
    /// - Throws: `RedisError`, but none with the code `server`.
    public func execute(
        _ commands: [RedisCommand],
        timeout: Duration? = nil
    ) async throws(RedisError) -> [RedisReply] {
        guard let session else { throw RedisError(.connectionLost, "The connection is closed.") }
        guard !isExecuting else { throw RedisError(.protocolViolation, "The connection does one exchange at a time.") }
        begin(.now + (timeout ?? configuration.timeout))
        defer { finish() }
        do throws(RedisError) {
            return try await exchange(commands, session)
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
    ) async throws(RedisError) -> RedisReply {
        let deadline = ContinuousClock.now + (timeout ?? configuration.timeout)
        if let command = script.byDigest(keys, arguments) {
            let reply = try await execute([command], timeout: timeout)[0]
            if case .error(let text) = reply, text.hasPrefix("NOSCRIPT") {} else { return try reply.orThrow(command) }
        } else {
            // Only the digest is of interest, and it is always the same.
            script.learn(try await execute(RedisCommand("SCRIPT", "LOAD", script.text), timeout: timeout))
        }
        return try await execute(script.byText(keys, arguments), timeout: deadline - .now)
    }

    /// Hangs up. What comes after fails with `connectionLost`.
    public func close() { hangUp() }

    /// Hangs up without waiting for it.
    nonisolated func closeSoon() { Task { await close() } }

    private func hangUp() {
        let readiness = session?.readiness
        session = nil
        publish()
        // Whoever waits for an answer finds that there is no session any more.
        readiness?.wake()
    }

    private func publish() { idle.withLock { $0 = isExecuting ? nil : session?.readiness } }

    private func use(_ session: sending Session, _ deadline: ContinuousClock.Instant) async throws(RedisError) {
        self.session = session
        do throws(RedisError) {
            let introduction = configuration.url.introduction
            let replies = try await execute(introduction, timeout: deadline - .now)
            for (command, reply) in zip(introduction, replies) { _ = try reply.orThrow(command) }
        } catch {
            hangUp()
            throw error.code == .connectionFailed ? error : .connecting(configuration.url, error)
        }
    }
}

/// One exchange with the server.
extension RedisConnection {
    private func begin(_ deadline: ContinuousClock.Instant) {
        isExecuting = true
        timer.deadline = deadline
        publish()
    }

    private func finish() {
        isExecuting = false
        timer.deadline = nil
        publish()
    }

    private func timerIsDue() {
        if timer.isOver() { session?.readiness.wake() }
    }

    private func exchange(_ commands: [RedisCommand], _ session: Session) async throws(RedisError) -> [RedisReply] {
        session.begin(commands)
        while true {
            try session.send()
            guard let deadline = timer.deadline, deadline > .now else { throw session.timeout }
            await session.readiness.wait()
            guard self.session === session else { throw session.lost }
            if let replies = try session.receive() { return replies }
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
