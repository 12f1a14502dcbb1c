import Foundation
import HTTPClient
import Shop
import ShopAPI

/// `popshop` as a process of its own, to be killed.
final class ShopProcess {
    let process = Process()
    let options: ShopOptions

    /// The binary lies beside the tests' own.
    static var binary: URL {
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "popshop")
    }

    /// Starts the shop and returns once it says that it is open.
    init(dataDirectory: String, portOffset: Int) throws {
        options = ShopOptions(portOffset: portOffset)
        process.executableURL = Self.binary
        process.arguments = [
            "demo", "--data-dir", dataDirectory, "--port-offset", "\(portOffset)", "--traffic", "0",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("PopShop is open") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw NotOpened(output: text) }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    struct NotOpened: Error {
        let output: String
    }

    /// SIGKILL, at once; returns when the process is gone.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// SIGTERM; returns the exit code and how long it took.
    func stop() -> (code: Int32, took: Duration) {
        let begun = ContinuousClock.now
        process.terminate()
        process.waitUntilExit()
        return (process.terminationStatus, ContinuousClock.now - begun)
    }
}
