import CLibPQ
import Dispatch
import Synchronization

/// Cancels a statement by a connection of its own, as the protocol has it. libpq 15 can only do that blocking, and
/// without TLS: what goes over the line is a number that is good for cancelling this one session.
enum CancelRequest {
    /// Threads that a silent network may hold at once. Beyond that a connection is closed without being cancelled.
    private static let most = 8
    private static let underWay = Mutex(0)
    private static let queue = DispatchQueue(label: "popshop.postgres.cancel", attributes: .concurrent)

    /// - Parameter done: Called on another thread when the server has taken note, or it has failed.
    /// - Returns: False when it was not sent; `done` is not called then.
    static func send(_ session: Session, done: @escaping @Sendable () -> Void) -> Bool {
        let isAdmitted = underWay.withLock { count in
            guard count < most else { return false }
            count += 1
            return true
        }
        guard let copy = isAdmitted ? PQgetCancel(session.raw) : nil else {
            if isAdmitted { underWay.withLock { $0 -= 1 } }
            return false
        }
        // A copy of what cancelling needs, independent of the connection; only the thread below uses it from here on.
        nonisolated(unsafe) let request = copy
        queue.async {
            var message = [CChar](repeating: 0, count: 256)
            _ = PQcancel(request, &message, Int32(message.count))
            PQfreeCancel(request)
            underWay.withLock { $0 -= 1 }
            done()
        }
        return true
    }
}
