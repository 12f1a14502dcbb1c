public import Dispatch

/// Runs an actor on a queue of its own: what waits there, for a disk, a server or a name's address, holds up neither the
/// cooperative pool nor another actor.
public final class QueueExecutor: SerialExecutor {
    public let queue: DispatchQueue

    public init(label: String) { queue = DispatchQueue(label: label) }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Lets what runs on the queue and in no task, such as the handlers of dispatch sources, into the actor.
    public func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
