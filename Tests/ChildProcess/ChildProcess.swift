import CTiedChild
public import Foundation
import Glibc
import Synchronization

/// A process of a test's own.
///
/// Not Foundation's, whose `run()` reads beyond a buffer's end when the tests hold a thousand descriptors, and now and then
/// crashes (swift-corelibs-foundation, pull request 5472).
public final class ChildProcess: Sendable {
    public struct NotStarted: Error {
        public let path: String
        public let reason: String
    }

    private let pid: pid_t
    /// What the system knows it by, until it is waited for.
    public var number: Int32 { pid }
    /// Both of its outputs, until it ends.
    public let output: FileHandle
    private let exitCode = Mutex<Int32?>(nil)

    /// What a sanitizer is told holds for the processes that are started under it.
    private static let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
        ["ASAN_OPTIONS", "TSAN_OPTIONS", "LD_PRELOAD"].contains(name)
    }

    /// - Parameter environment: All of its environment but for what concerns sanitizers; nil for this process's.
    /// - Throws: `NotStarted`.
    public init(_ path: String, _ arguments: [String], environment: [String: String]? = nil) throws {
        let pipe = Pipe()
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let environment =
            environment?.merging(Self.inherited) { own, _ in own } ?? ProcessInfo.processInfo.environment
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var child = pid_t()
        let outcome = free_child_start(path, words, variables, pipe.fileHandleForWriting.fileDescriptor, &child)
        guard outcome == 0 else { throw NotStarted(path: path, reason: String(cString: strerror(outcome))) }
        try pipe.fileHandleForWriting.close()
        pid = child
        output = pipe.fileHandleForReading
    }

    /// - Returns: Its exit code; for one that a signal has ended 128 and the signal, as a shell says it.
    @discardableResult
    public func waitUntilExit() -> Int32 {
        exitCode.withLock { code in
            if let code { return code }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let result = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
            code = result
            return result
        }
    }

    /// What it says from now on until it ends, read at once: one whose words nobody takes stands still.
    public func restOfOutput() async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [output] in
                continuation.resume(returning: String(decoding: output.readDataToEndOfFile(), as: UTF8.self))
            }
        }
    }

    /// Once it has been waited for its number may be another's, which gets no signal.
    public func signal(_ number: Int32) {
        exitCode.withLock { code in
            if code == nil { kill(pid, number) }
        }
    }

    /// Runs one to its end.
    ///
    /// - Throws: `NotStarted`.
    public static func run(
        _ path: String,
        _ arguments: [String],
        environment: [String: String]? = nil
    ) throws -> (code: Int32, said: String) {
        let process = try ChildProcess(path, arguments, environment: environment)
        let said = String(decoding: process.output.readDataToEndOfFile(), as: UTF8.self)
        return (process.waitUntilExit(), said)
    }
}
