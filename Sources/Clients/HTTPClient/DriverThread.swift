import Glibc

/// Runs `body` on a detached thread of its own, so that what blocks in it never holds up Swift's cooperative pool.
///
/// - Returns: False if the system grants no thread.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let outcome = pthread_create(
        &thread,
        nil,
        { context in
            guard let context else { return nil }
            let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
            blockSIGPIPE()
            work.body()
            return nil
        },
        work.toOpaque()
    )
    guard outcome == 0 else {
        work.release()
        return false
    }
    pthread_detach(thread)
    return true
}

private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// With `CURLOPT_NOSIGNAL` libcurl leaves the signal alone, and a TLS library may write to a closed socket.
private func blockSIGPIPE() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}
