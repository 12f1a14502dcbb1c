import Foundation
import Glibc
import Testing

@testable import Sync

/// The real route socket, in a network namespace of the test's own, which only root may make.
@Suite(.enabled(if: geteuid() == 0, "Only root can make a network namespace."), .timeLimit(.minutes(15)))
struct RouteWatchTests {
    @Test func `a network that comes up is told`() async throws {
        let watch = try #require(await inNamespaceOfItsOwn { RouteWatch.system })
        var changes = watch.changes.makeAsyncIterator()
        #expect(await changes.next() != nil)
    }

    /// Opens the watch on a thread that has left the machine's network (network_namespaces(7)), and then brings that
    /// namespace's only link up.
    private func inNamespaceOfItsOwn(_ open: @escaping @Sendable () -> RouteWatch) async -> RouteWatch? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                guard leaveTheNetwork() else { return continuation.resume(returning: nil) }
                let watch = open()
                continuation.resume(returning: bringUp("lo") ? watch : nil)
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

/// SIOCSIFFLAGS with IFF_UP (netdevice(7)).
private func bringUp(_ link: String) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var request = ifreq()
    withUnsafeMutableBytes(of: &request) { bytes in
        bytes.copyBytes(from: link.utf8)
        // The name has 16 bytes, and the flags follow.
        bytes.storeBytes(of: Int16(1), toByteOffset: 16, as: Int16.self)
    }
    return ioctl(descriptor, 0x8914, &request) == 0
}
