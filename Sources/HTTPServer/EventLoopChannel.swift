import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// HTTP/1.1 whose requests are answered on the thread that reads and writes their connection: no hand-over to Swift's
/// pool and back for each, which costs two wake-ups of a thread and a cold cache. Actors with an executor of their own
/// (whoever waits for a disk) stay where they are.
struct EventLoopChannel: ServerChildChannel {
    private let channel: HTTP1Channel

    init(_ channel: HTTP1Channel) { self.channel = channel }

    /// How many new connections are taken each time round an event loop. NIO's four are few where a time round answers
    /// hundreds of requests: the last of a thousand newcomers waited for 4.7 s, and now for 0.3.
    private static let newConnections: UInt = 64

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        // Nobody else lets the server's own channel be reached, so each connection tells it.
        _ = channel.parent?.setOption(.maxMessagesPerRead, value: Self.newConnections)
        return self.channel.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
            await channel.handle(value: value, logger: logger)
        }
    }
}

/// Runs a task's nonisolated code on an event loop.
private final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
