import CEpoll
import Glibc
import Synchronization

/// The one thread that asks the kernel what has become ready (epoll(7)), and wakes those who wait for it.
final class Poller: Sendable {
    /// Nil when the system has granted no thread or no descriptor for it.
    static let shared = Poller()

    private struct Watched {
        weak var readiness: Readiness?
    }

    private let queue: Int32
    private let numbers = Atomic<UInt64>(0)
    private let watched = Mutex<[UInt64: Watched]>([:])

    private init?() {
        queue = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard queue >= 0 else { return nil }
        var thread = pthread_t()
        let poller = Unmanaged.passRetained(self)
        let outcome = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Poller>.fromOpaque(context).takeUnretainedValue().run()
            },
            poller.toOpaque()
        )
        guard outcome == 0 else {
            poller.release()
            return nil
        }
        pthread_detach(thread)
    }

    deinit { close(queue) }

    /// An event names whom it is for by a number that is never given twice, so that one which comes late finds nobody.
    func nextNumber() -> UInt64 { numbers.add(1, ordering: .relaxed).newValue }

    func watch(_ readiness: Readiness, _ number: UInt64, _ descriptor: Int32, isWriting: Bool) -> Bool {
        watched.withLock { $0[number] = Watched(readiness: readiness) }
        return control(EPOLL_CTL_ADD, number, descriptor, isWriting)
    }

    func change(_ number: UInt64, _ descriptor: Int32, isWriting: Bool) {
        _ = control(EPOLL_CTL_MOD, number, descriptor, isWriting)
    }

    func forget(_ number: UInt64, _ descriptor: Int32) {
        watched.withLock { $0[number] = nil }
        // By name, since the owner's descriptor keeps the socket, and with it the registration, alive.
        _ = control(EPOLL_CTL_DEL, number, descriptor, false)
        close(descriptor)
    }

    private func control(_ operation: Int32, _ number: UInt64, _ descriptor: Int32, _ isWriting: Bool) -> Bool {
        var events = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        if isWriting { events |= EPOLLOUT.rawValue }
        var event = epoll_event(events: events, data: epoll_data_t(u64: number))
        return epoll_ctl(queue, operation, descriptor, &event) == 0
    }

    private func run() -> Never {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(queue, &events, Int32(events.count), -1)
            // Interrupted by a signal; nothing else can be wrong with a descriptor that is never closed.
            guard count > 0 else { continue }
            let ready = watched.withLock { watched in
                events[..<Int(count)].compactMap { watched[$0.data.u64]?.readiness }
            }
            for readiness in ready { readiness.wake() }
        }
    }
}
