import Dispatch
import Glibc

/// Tells when libpq's socket can be read or written.
///
/// It watches a duplicate of the descriptor, which it closes when Dispatch has let go of it: libpq may close its own at
/// any moment, and open another under the same number.
final class DescriptorWatch {
    enum Direction {
        case reading, writing
    }

    private let source: any DispatchSourceProtocol
    private let closed = DispatchGroup()

    /// - Parameter handler: Called on `queue`, again and again for as long as the descriptor is ready.
    /// - Returns: Nil when the process has no descriptor left.
    init?(
        _ socket: Int32,
        _ direction: Direction,
        on queue: DispatchQueue,
        handler: @escaping @Sendable () -> Void
    ) {
        let descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        source =
            switch direction {
            case .reading: DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
            case .writing: DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
            }
        source.setEventHandler(handler: handler)
        closed.enter()
        source.setCancelHandler { [closed] in
            close(descriptor)
            closed.leave()
        }
        source.resume()
    }

    deinit { source.cancel() }

    /// Ends the watch; the handler is not called again.
    ///
    /// - Parameter done: Called when the descriptor is closed.
    func cancel(on queue: DispatchQueue, done: @escaping @Sendable () -> Void = {}) {
        source.cancel()
        closed.notify(queue: queue, execute: done)
    }
}
