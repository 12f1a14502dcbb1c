import Dispatch
import Glibc
import Synchronization

/// Runs an actor on a thread that takes only what the others leave of a core: work that may take as long as it likes
/// gives way to a request at once, and has the whole core when there is none.
///
/// Dispatch's queues of a low quality of service do not do that on Linux, where all run at the same priority.
public final class BackgroundExecutor: SerialExecutor {
    private let jobs = JobQueue()

    /// Starts the thread, which ends with the executor.
    public init() {
        let queue = Unmanaged.passRetained(jobs)
        var thread = pthread_t()
        let outcome = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                BackgroundExecutor.giveWay()
                Unmanaged<JobQueue>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            queue.toOpaque()
        )
        precondition(outcome == 0, "the system grants no thread")
        pthread_detach(thread)
    }

    deinit { jobs.close() }

    /// Makes the calling thread one that takes only what the others leave (sched(7), *The nice value*). Where that is
    /// refused nothing is lost.
    public static func giveWay() { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }

    public func enqueue(_ job: consuming ExecutorJob) {
        jobs.append(UnownedJob(job), self)
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// The lowest there is that is still some: about a seventieth of a core that others want whole.
    private static let niceness: Int32 = 19
}

/// What waits for the thread. Each job keeps its executor alive until it has run.
private final class JobQueue: Sendable {
    private struct State {
        var jobs: [(UnownedJob, BackgroundExecutor)] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let arrivals = DispatchSemaphore(value: 0)

    func append(_ job: UnownedJob, _ executor: BackgroundExecutor) {
        state.withLock { $0.jobs.append((job, executor)) }
        arrivals.signal()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        arrivals.signal()
    }

    func run() {
        while true {
            arrivals.wait()
            let (jobs, isClosed) = state.withLock { state in
                defer { state.jobs = [] }
                return (state.jobs, state.isClosed)
            }
            for (job, executor) in jobs { job.runSynchronously(on: executor.asUnownedSerialExecutor()) }
            if isClosed { return }
        }
    }
}
