import Dispatch
import Foundation
import Synchronization

/// A temporary directory and the processes that work in it. All of it is gone when the benchmark is, also when that
/// is interrupted.
final class Workplace: Sendable {
    private struct State {
        var children: [Child] = []
        var signals: [any DispatchSourceSignal] = []
        var paths = 0
    }

    private let directory: String
    private let state = Mutex(State())
    private let cleaning = Mutex(())

    init() throws {
        directory = NSTemporaryDirectory() + "popshop-bench-\(ProcessInfo.processInfo.processIdentifier)"
        // Of one that was killed, and had this process's number.
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    }

    /// A new path for a directory or a file, where nothing is yet.
    func newPath(_ name: String) -> String {
        let number = state.withLock { state in
            state.paths += 1
            return state.paths
        }
        return "\(directory)/\(number)-\(name)"
    }

    /// Starts the executable of that name that stands beside this one.
    ///
    /// - Parameter environment: All of its environment; nil for this process's.
    func start(
        _ executable: String,
        _ arguments: [String],
        environment: [String: String]? = nil
    ) async throws -> Child {
        var words = [try Self.besideThisOne(executable)] + arguments
        if let environment { words = ["/usr/bin/env", "-i"] + environment.map { "\($0)=\($1)" } + words }
        return try await start(words)
    }

    /// Starts a program by its path; it dies with this process, and is ended by `cleanUp`.
    ///
    /// - Parameter words: The path, and its arguments.
    func start(_ words: [String]) async throws -> Child {
        let executable = words[0].split(separator: "/").last.map(String.init) ?? words[0]
        let output = newPath("\(executable).log")
        let child = await MainThread.run { Child(words[0], Array(words.dropFirst()), output: output) }
        guard let child else { throw Failure("\(executable) cannot be started.") }
        state.withLock { $0.children.append(child) }
        return child
    }

    /// Starts a popshop on free ports and waits until it takes requests.
    ///
    /// - Parameters:
    ///   - data: Its data directory; nil for a new one.
    ///   - environment: All of its environment; nil for this process's.
    func serve(
        _ shop: ShopProcess.Kind,
        data: String? = nil,
        environment: [String: String]? = nil
    ) async throws -> ShopProcess {
        try await ShopProcess(shop, in: self, data: data ?? newPath("data"), environment: environment)
    }

    /// Ends what runs and removes what was written.
    func cleanUp() {
        cleaning.withLock { _ in clean() }
    }

    private func clean() {
        for child in state.withLock({ $0.children }) { child.kill() }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Cleans up on SIGINT, SIGTERM and SIGHUP, and exits as a shell expects. SIGKILL leaves the directory; the
    /// children die of it by themselves.
    func cleanUpOnSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            state.withLock { $0.signals.append(source(for: number)) }
        }
    }

    private func source(for number: Int32) -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { [self] in
            // To the end under the lock: the benchmark, which has lost its processes, must not exit first, as failed.
            cleaning.withLock { _ in
                clean()
                exit(128 + number)
            }
        }
        source.resume()
        return source
    }

    private static func besideThisOne(_ name: String) throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard FileManager.default.isExecutableFile(atPath: "\(path)/\(name)") else {
            throw Failure("\(name) is not in \(path): build it first, with swift build -c release --product \(name).")
        }
        return "\(path)/\(name)"
    }
}
