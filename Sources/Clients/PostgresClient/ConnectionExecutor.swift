import Dispatch

/// Runs a connection on a queue of its own: what libpq waits for (a name's address, a file with a certificate) holds up
/// neither the cooperative pool nor another connection.
final class ConnectionExecutor: SerialExecutor {
    let queue = DispatchQueue(label: "popshop.postgres")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Lets the handlers of dispatch sources, which run on the queue and in no task, into the actor.
    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
