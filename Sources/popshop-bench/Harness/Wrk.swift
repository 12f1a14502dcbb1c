import Foundation
import Synchronization

/// Closed-loop load by wrk, so many connections on one thread: it costs a fifth of what a client of ours would, on the same
/// cores.
final class Wrk: Sendable {
    /// As many connections as a busy shop has.
    static let connections = 32

    private let workplace: Workplace
    private let url: String
    private let connections: Int
    private let script: String
    /// How many requests were made: the next run goes on counting from there.
    private let made = Mutex(0)

    /// - Parameters:
    ///   - url: Scheme, host and port.
    ///   - request: A Lua expression of `n`, the request's number: what `wrk.format` takes.
    init(_ workplace: Workplace, _ url: String, connections: Int = connections, request: String) throws {
        (self.workplace, self.url, self.connections) = (workplace, url, connections)
        script = workplace.newPath("load.lua")
        let lua = """
            local n = 0
            init = function(arguments) n = tonumber(arguments[1]) end
            request = function()
                n = n + 1
                return wrk.format(\(request))
            end

            """
        try lua.write(toFile: script, atomically: false, encoding: .utf8)
    }

    /// - Parameter path: A Lua expression of `n`.
    convenience init(_ workplace: Workplace, _ url: String, connections: Int = connections, get path: String) throws {
        try self.init(workplace, url, connections: connections, request: "'GET', \(path)")
    }

    /// - Parameters:
    ///   - path: A Lua expression of `n`.
    ///   - body: One of JSON.
    convenience init(_ workplace: Workplace, _ url: String, post path: String, body: String) throws {
        try self.init(workplace, url, request: "'POST', \(path), {['Content-Type'] = 'application/json'}, \(body)")
    }

    /// - Returns: Answers a second.
    /// - Throws: `Failure` when an answer is not 2xx or none comes: a refusal is quickly given and would only flatter.
    func rate(seconds: Int) async throws -> Double {
        let words = ["-t1", "-c\(connections)", "-d\(seconds)s", "-s", script, url, "--", "\(made.withLock(\.self))"]
        let child = try await workplace.start(["/usr/bin/env", "wrk"] + words)
        do {
            try await child.wait()
        } catch {
            throw Failure("wrk failed; is it there (apt-get install wrk)? \(error)")
        }
        let said = try child.said
        func number(before word: String) -> Double? {
            let words = said.split(whereSeparator: \.isWhitespace)
            return words.firstIndex { $0 == word }.flatMap { Double(words[$0 - 1]) }
        }
        let rate = said.split(separator: "\n").first { $0.hasPrefix("Requests/sec:") }
            .flatMap { Double($0.dropFirst(13).trimmingCharacters(in: .whitespaces)) }
        guard let rate, let count = number(before: "requests"), !said.contains("Non-2xx"),
            !said.contains("Socket errors")
        else { throw Failure("Under load not every answer was good: \(said)") }
        made.withLock { $0 += Int(count) }
        return rate
    }
}
