import CRoutes
import Dispatch
import Glibc
import Synchronization

/// Tells when the machine's addresses, links or routes change: then a network may be there that was not.
public struct RouteWatch: Sendable {
    /// One element for any number of changes since the last one was taken.
    public let changes: AsyncStream<Void>

    /// Nothing is ever told.
    public static var none: RouteWatch { RouteWatch(changes: AsyncStream { $0.finish() }) }

    /// By a route socket; where the system has none, nothing is ever told, and the back-off alone decides.
    public static var system: RouteWatch {
        let descriptor = croutes_open()
        guard descriptor >= 0 else { return .none }
        let (changes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source = DispatchSource.makeReadSource(
            fileDescriptor: descriptor,
            queue: DispatchQueue(label: "popshop.routes")
        )
        source.setEventHandler {
            switch croutes_drain(descriptor) {
            case 1: continuation.yield()
            case 0: break
            default: continuation.finish()
            }
        }
        source.setCancelHandler { close(descriptor) }
        source.activate()
        let watch = Mutex(source)
        continuation.onTermination = { _ in watch.withLock { $0.cancel() } }
        return RouteWatch(changes: changes)
    }

    /// As a test tells it.
    public init(changes: AsyncStream<Void>) { self.changes = changes }
}
