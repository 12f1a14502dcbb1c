import CTiedChild
import Foundation

/// A process of this benchmark's, which dies with it.
final class Child: Sendable {
    let pid: pid_t
    /// When it was started.
    let started = ContinuousClock.now
    private let output: String

    /// On the thread whose end is to be the child's.
    init?(_ path: String, _ arguments: [String], output: String) {
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        self.output = output
        pid = tied_child_start(path, words, output)
        if pid < 0 { return nil }
    }

    /// Resident memory in MB (10⁶ bytes): VmRSS of proc(5).
    var residentMegabytes: Double { get throws { try megabytes("VmRSS:") } }

    /// The most that was ever resident, in MB (10⁶ bytes): VmHWM of proc(5).
    var peakMegabytes: Double { get throws { try megabytes("VmHWM:") } }

    /// As `residentMegabytes`, of this process.
    static var ownMegabytes: Double { get throws { try megabytes("VmRSS:", of: "self") } }

    private func megabytes(_ name: String) throws -> Double { try Self.megabytes(name, of: "\(pid)") }

    private static func megabytes(_ name: String, of pid: String) throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        guard let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { throw Failure("/proc/\(pid)/status has no \(name)") }
        return kibibytes * 1024 / 1e6
    }

    /// What it wrote.
    var said: String { get throws { try String(contentsOfFile: output, encoding: .utf8) } }

    /// - Throws: `Failure` with what it wrote last, when it has ended.
    func checkAlive() throws {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) != 0 else { return }
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        throw Failure("A measured process ended: \(text.split(separator: "\n").last ?? "without a word").")
    }

    /// Returns when it has ended by itself.
    ///
    /// - Throws: `Failure` with what it wrote last, when it did not end well.
    func wait() async throws {
        var status: Int32 = 0
        while waitpid(pid, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(1)) }
        guard status == 0 else {
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            throw Failure("A measured process failed: \(text.split(separator: "\n").last ?? "without a word").")
        }
    }

    /// Asks it to end, and ends it if it does not within five seconds.
    func stop() async {
        Foundation.kill(pid, SIGTERM)
        var status: Int32 = 0
        for _ in 0..<500 {
            if waitpid(pid, &status, WNOHANG) != 0 { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
        kill()
    }

    /// Ends it now.
    func kill() {
        var status: Int32 = 0
        // Once waited for, its number may be another's.
        guard waitpid(pid, &status, WNOHANG) == 0 else { return }
        Foundation.kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
    }
}
