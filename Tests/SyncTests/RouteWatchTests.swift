import Foundation
import Glibc
import Testing

@testable import Sync

/// The real route socket, in a network namespace of the test's own, which only root may make.
@Suite(.enabled(if: geteuid() == 0, "Only root can make a network namespace."), .timeLimit(.minutes(1)))
struct RouteWatchTests {
    @Test func `an address that comes is told`() async throws {
        let watch = try #require(await inNamespaceOfItsOwn { RouteWatch.system })
        var changes = watch.changes.makeAsyncIterator()
        #expect(await changes.next() != nil)
    }

    /// Opens the watch on a thread that has left the machine's network (network_namespaces(7)), and then gives that
    /// network its first address.
    private func inNamespaceOfItsOwn(_ open: @escaping @Sendable () -> RouteWatch) async -> RouteWatch? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                guard leaveTheNetwork() else { return continuation.resume(returning: nil) }
                let watch = open()
                let ip = Process()
                ip.executableURL = URL(filePath: "/bin/sh")
                ip.arguments = ["-c", "ip link set lo up && ip address add 192.0.2.1/32 dev lo"]
                let isDone = (try? ip.run()) != nil
                ip.waitUntilExit()
                continuation.resume(returning: isDone && ip.terminationStatus == 0 ? watch : nil)
            }
        }
    }
}

/// unshare(2) with CLONE_NEWNET, of the calling thread alone; Swift's Glibc has no name for either.
private func leaveTheNetwork() -> Bool {
    typealias Unshare = @convention(c) (Int32) -> Int32
    guard let symbol = dlsym(nil, "unshare") else { return false }
    return unsafeBitCast(symbol, to: Unshare.self)(0x4000_0000) == 0
}
