import Glibc
import Readiness
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ReadinessTests {
    @Test func `a wait ends when something comes, and again when more comes`() async throws {
        let line = try Line()
        let readiness = try #require(Readiness(line.mine))
        for _ in 0..<100 {
            let writing = Task { line.say("x") }
            while line.read().isEmpty { await readiness.wait() }
            await writing.value
        }
    }

    @Test func `what came before the wait ends it at once`() async throws {
        let line = try Line()
        let readiness = try #require(Readiness(line.mine))
        line.say("x")
        await readiness.wait()
        readiness.wake()
        await readiness.wait()
    }

    @Test func `a hang-up ends the wait`() async throws {
        let line = try Line()
        let readiness = try #require(Readiness(line.mine))
        let waiting = Task { await readiness.wait() }
        line.hangUp()
        await waiting.value
        #expect(line.read().isEmpty)
    }

    @Test func `a hang-up that nobody has waited for is not quiet`() async throws {
        let line = try Line()
        let readiness = try #require(Readiness(line.mine))
        line.hangUp()
        while readiness.isQuiet { await Task.yield() }
        #expect(!readiness.isQuiet)
    }

    @Test func `quiet means that nothing is unread`() async throws {
        let line = try Line()
        let readiness = try #require(Readiness(line.mine))
        #expect(readiness.isQuiet)
        line.say("x")
        while readiness.isQuiet { await Task.yield() }
        #expect(!readiness.isQuiet)
        #expect(line.read() == "x")
        #expect(readiness.isQuiet)
    }

    @Test func `a line that is full tells when it takes more, and only who has asked`() async throws {
        let line = try Line()
        let readiness = try #require(Readiness(line.mine))
        let sent = line.fill()
        readiness.setWriting(true)
        let reading = Task { line.readAll(sent) }
        await readiness.wait()
        readiness.setWriting(false)
        #expect(await reading.value == sent)
    }

    @Test func `the watch keeps to its socket when the number is another's`() async throws {
        let first = try Line()
        let readiness = try #require(Readiness(first.mine))
        first.closeMine()
        let other = try Line()
        other.say("x")
        #expect(readiness.isQuiet)
        readiness.wake()
        await readiness.wait()
    }
}

/// Two ends of a line, of which one is watched. Neither blocks but the other's reading.
private final class Line: Sendable {
    let mine: Int32
    private let other: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        (mine, other) = (ends[0], ends[1])
        _ = fcntl(mine, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(mine)
        close(other)
    }

    func say(_ text: String) { _ = text.withCString { write(other, $0, strlen($0)) } }

    func hangUp() { shutdown(other, Int32(SHUT_RDWR)) }

    /// Its number is free then, for as long as nothing else is opened.
    func closeMine() { _ = dup2(other, mine) }

    func read() -> String {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = recv(mine, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }

    /// How many bytes it takes.
    func fill() -> Int {
        let block = [UInt8](repeating: 0, count: 4096)
        var sent = 0
        while case let count = send(mine, block, block.count, Int32(MSG_NOSIGNAL)), count > 0 { sent += count }
        return sent
    }

    /// Reads the other end; returns how much there was.
    func readAll(_ wanted: Int) -> Int {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        while count < wanted, case let more = recv(other, &buffer, buffer.count, 0), more > 0 { count += more }
        return count
    }
}
