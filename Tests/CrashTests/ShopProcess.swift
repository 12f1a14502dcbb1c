import ChildProcess
import Foundation
import HTTPClient
import Shop
import ShopAPI

/// `popshop` as a process of its own, to be killed.
final class ShopProcess {
    let process: ChildProcess
    let options: ShopOptions

    /// The binary lies beside the tests' own.
    static var binary: URL {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "popshop")
    }

    /// Starts the shop and returns once it says that it is open.
    ///
    /// - Parameter environment: All of its environment; nil for this process's.
    init(dataDirectory: String, portOffset: Int, environment: [String: String]? = nil) throws {
        options = ShopOptions(portOffset: portOffset)
        process = try ChildProcess(
            Self.binary.path(),
            ["demo", "--data-dir", dataDirectory, "--port-offset", "\(portOffset)", "--traffic", "0"],
            environment: environment
        )
        var text = ""
        while !text.contains("PopShop is open") {
            let data = process.output.availableData
            guard !data.isEmpty else { throw NotOpened(output: text) }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    struct NotOpened: Error {
        let output: String
    }

    /// SIGKILL, at once; returns when the process is gone.
    func kill() {
        process.signal(SIGKILL)
        process.waitUntilExit()
    }

    /// SIGTERM; returns the exit code and how long it took.
    func stop() -> (code: Int32, took: Duration) {
        let begun = ContinuousClock.now
        process.signal(SIGTERM)
        return (process.waitUntilExit(), ContinuousClock.now - begun)
    }
}
