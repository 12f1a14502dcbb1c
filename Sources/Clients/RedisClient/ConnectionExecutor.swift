import Dispatch

/// Runs a connection on a queue of its own: waiting for the server, or for a name's address, holds up neither the
/// cooperative pool nor another connection.
final class ConnectionExecutor: SerialExecutor {
    let queue = DispatchQueue(label: "popshop.redis")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Lets what runs on the queue and in no task into the actor.
    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
