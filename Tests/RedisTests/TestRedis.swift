import CTiedChild
import Commerce
import Foundation
import Glibc
import Logging
import RedisClient
import RedisStorage
import ServiceTracing
import Synchronization
import TestSupport
import Testing

/// The server that POPSHOP_TEST_REDIS names; `.ci/redis` starts one.
enum TestRedis {
    static let url = ProcessInfo.processInfo.environment["POPSHOP_TEST_REDIS"]

    struct Missing: Error {}

    /// - Parameter database: One a test, since they run at the same time.
    static func configuration(_ database: Int, timeout: Duration = .seconds(120)) throws -> RedisConfiguration {
        guard let url else { throw Missing() }
        return try RedisConfiguration(url: "\(url)?db=\(database)", timeout: timeout)
    }

    /// A database with nothing in it.
    static func emptied(_ database: Int, timeout: Duration = .seconds(120)) async throws -> RedisPool {
        let pool = RedisPool(try configuration(database, timeout: timeout))
        try await pool.execute(RedisCommand("FLUSHDB"))
        return pool
    }
}

extension Trait where Self == ConditionTrait {
    static var needsRedis: Self {
        .enabled(if: TestRedis.url != nil, "POPSHOP_TEST_REDIS names no server; `. .ci/redis` starts one.")
    }
}

/// A Redis of a test's own, to be stopped and started; what it has answered is on disk.
final class RedisProcess: Sendable {
    private let folder: TemporaryDirectory
    private let pid = Mutex<pid_t>(0)
    let socket: String

    init() throws {
        folder = try TemporaryDirectory()
        socket = folder.file("redis.sock")
    }

    deinit { end(SIGKILL) }

    func configuration(timeout: Duration) throws -> RedisConfiguration {
        try RedisConfiguration(url: "redis+unix://\(socket)", timeout: timeout)
    }

    /// Starts it, and waits until it answers.
    func start() async throws {
        let words = [
            "redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder.path, "--save", "",
            "--appendonly", "yes", "--appendfsync", "always",
        ]
        let output = folder.file("log")
        await withCheckedContinuation { started in
            // It dies with the thread that starts it, so that is one which waits for it.
            Thread.detachNewThread { [self] in
                let arguments = words.map { strdup($0) } + [nil]
                let child = tied_child_start("/usr/bin/redis-server", arguments, output)
                for argument in arguments { free(argument) }
                pid.withLock { $0 = child }
                started.resume()
                waitpid(child, nil, 0)
            }
        }
        let configuration = try configuration(timeout: .seconds(10))
        while (try? await RedisConnection.connect(configuration)) == nil { await Task.yield() }
    }

    func signal(_ number: Int32) { pid.withLock { if $0 > 0 { kill($0, number) } } }

    /// Ends it, and forgets it: the number may become another's.
    func end(_ number: Int32) {
        signal(number)
        pid.withLock { $0 = 0 }
    }
}

/// A Unix socket that is listened to. What it accepts is handled on a thread of its own, and blocks there.
final class FakeRedis: Sendable {
    let path: String
    private let folder: TemporaryDirectory
    private let listener: Int32

    /// - Parameter talk: What to do with each connection, which is closed afterwards.
    init(_ talk: @escaping @Sendable (Int32) -> Void) throws {
        folder = try TemporaryDirectory()
        path = folder.file("fake.sock")
        let listener = Self.unixSocket()
        try #require(Self.withAddress(path) { bind(listener, $0, $1) } == 0 && listen(listener, 64) == 0)
        self.listener = listener
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                Thread.detachNewThread {
                    talk(client)
                    // A process that another test has started may have it, too.
                    shutdown(client, Int32(SHUT_RDWR))
                    close(client)
                }
            }
            close(listener)
        }
    }

    /// Answers the first with PONG and every later one with these bytes; nothing where there are none.
    convenience init(after first: String = "+PONG\r\n", answering bytes: String) throws {
        try self.init { client in
            guard !Self.read(client).isEmpty else { return }
            Self.write(client, Array(first.utf8))
            while !Self.read(client).isEmpty { Self.write(client, Array(bytes.utf8)) }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    func configuration(timeout: Duration = .seconds(120)) throws -> RedisConfiguration {
        try RedisConfiguration(url: "redis+unix://shop:hunter2-secret@\(path)", timeout: timeout)
    }

    /// Reads once; empty when the client has closed.
    static func read(_ client: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(client, &buffer, buffer.count, 0)
        return Array(buffer[..<max(0, count)])
    }

    /// - Returns: False when the client has closed.
    @discardableResult
    static func write(_ client: Int32, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) } == bytes.count
    }

    static func connect(_ path: String) -> Int32 {
        let descriptor = unixSocket()
        if withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
        close(descriptor)
        return -1
    }

    /// Not for the processes that other tests start: what they had, too, would not be closed when this one closes it.
    private static func unixSocket() -> Int32 {
        socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Stands between a client and the test server. Told to, it lets what is asked through and loses what is answered.
final class LosingProxy: Sendable {
    private final class Switch: Sendable {
        let isLosing = Mutex(false)
        let lost = Mutex(0)
    }

    private let fake: FakeRedis
    private let state = Switch()

    init(to path: String) throws {
        fake = try FakeRedis { [state] client in
            let server = FakeRedis.connect(path)
            guard server >= 0 else { return }
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                while case let bytes = FakeRedis.read(server), !bytes.isEmpty {
                    if state.isLosing.withLock({ $0 }) {
                        state.lost.withLock { $0 += 1 }
                    } else {
                        FakeRedis.write(client, bytes)
                    }
                }
                shutdown(client, Int32(SHUT_RDWR))
                done.signal()
            }
            while case let bytes = FakeRedis.read(client), !bytes.isEmpty { FakeRedis.write(server, bytes) }
            shutdown(server, Int32(SHUT_RDWR))
            done.wait()
            close(server)
        }
    }

    func lose(_ isLosing: Bool) { state.isLosing.withLock { $0 = isLosing } }

    /// How many answers were lost.
    var lost: Int { state.lost.withLock { $0 } }

    func configuration(_ database: Int, timeout: Duration) throws -> RedisConfiguration {
        try RedisConfiguration(url: "redis+unix://\(fake.path)?db=\(database)", timeout: timeout)
    }
}

/// The error that the closure throws.
func failure(_ body: () async throws -> Void) async -> RedisError? {
    do { try await body() } catch { return error as? RedisError }
    return nil
}

/// Waits until it holds.
func eventually(_ holds: () async throws -> Bool) async rethrows {
    while !(try await holds()) { await Task.yield() }
}

/// Milliseconds since 1970, to be turned by hand.
final class TestClock: Sendable {
    private let time = Mutex<Int64>(1_700_000_000_000)

    var now: Int64 { time.withLock { $0 } }

    func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}

/// Keeps what is logged.
final class LogKeeper: LogHandler {
    private let kept = Mutex<[String]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    var lines: [String] { kept.withLock { $0 } }

    var logger: Logger { Logger(label: "cart") { _ in self } }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        kept.withLock { $0.append("\(event.level) \(event.message)") }
    }
}

func line(_ product: Int, quantity: Int = 1, name: String = "Product") -> Cart.Line {
    Cart.Line(
        productID: ProductID(product),
        productName: name,
        price: Money(minorUnits: 1000, currency: .usd),
        quantity: quantity
    )
}

extension RedisCartStore {
    init(_ pool: RedisPool, spans: SpanCollector = SpanCollector()) {
        self.init(pool, tracer: ServiceTracer("cart", spans), now: { 1_700_000_000_000 })
    }
}
