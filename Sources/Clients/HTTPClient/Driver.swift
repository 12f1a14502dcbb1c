import CCurl
import Synchronization

/// The thread's side of the client: every transfer, and every libcurl handle but the multi's wake-up, is touched here
/// and nowhere else.
struct Driver: ~Copyable {
    private let mailbox: Mailbox
    private let configuration: CurlClient.Configuration
    private var admission: Admission
    private var active: [ObjectIdentifier: Transfer] = [:]
    private var spareHandles: [EasyHandle] = []

    init(mailbox: Mailbox, configuration: CurlClient.Configuration) {
        self.mailbox = mailbox
        self.configuration = configuration
        let connections = configuration.maximumConnections
        self.admission = Admission(total: connections, perHost: configuration.maximumConnectionsPerHost)
        // Never more requests than connections are running, so to libcurl's limit only idle ones are ever too many.
        ccurl_multi_set_long(mailbox.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
        // Without this libcurl keeps four idle connections for each transfer it has at the moment.
        ccurl_multi_set_long(mailbox.multi, CURLMOPT_MAXCONNECTS, connections)
    }

    /// Returns when the mailbox has been closed, everything unfinished has been told, and the multi handle is freed.
    mutating func run() {
        var reason = (HTTPTransportError.Code.shutDown, "the HTTP client was shut down")
        while true {
            let delivery = mailbox.takeDelivery()
            for submission in delivery.submissions { receive(submission) }
            for ticket in delivery.cancellations { cancel(ticket) }
            if delivery.isClosing { break }
            if let failure = step() {
                reason = (.other, "libcurl stopped: \(String(cString: curl_multi_strerror(failure)))")
                mailbox.close()
            }
        }
        end(reason.0, reason.1)
    }

    /// Does what can be done, and waits for a socket, one of libcurl's timers, a deadline or the mailbox.
    ///
    /// - Returns: A failure after which the multi handle is of no more use, or nil.
    private mutating func step() -> CURLMcode? {
        for submission in admission.removeExpired(at: .now) {
            fail(submission, .timeout, "no connection became free within its timeout")
        }
        while let submission = admission.next() { start(submission) }
        var running: Int32 = 0
        var outcome = curl_multi_perform(mailbox.multi, &running)
        if outcome == CURLM_OK {
            let mayStartMore = finishCompleted() && admission.nextDeadline != nil
            outcome = curl_multi_poll(mailbox.multi, nil, 0, mayStartMore ? 0 : millisecondsToDeadline, nil)
        }
        return outcome == CURLM_OK ? nil : outcome
    }

    private var millisecondsToDeadline: Int32 {
        guard let deadline = admission.nextDeadline else { return .max }
        let milliseconds = (ContinuousClock.now.duration(to: deadline) / .milliseconds(1)).rounded(.up)
        return Int32(min(max(milliseconds, 0), Double(Int32.max)))
    }

    /// A cancellation may have been delivered before its request was; one that comes later finds it.
    private mutating func receive(_ submission: Submission) {
        if submission.ticket.isCancelled.load(ordering: .sequentiallyConsistent) {
            failCancelled(submission)
        } else {
            admission.enqueue(submission)
        }
    }

    private mutating func start(_ submission: Submission) {
        guard let easy = spareHandles.popLast() ?? EasyHandle() else {
            admission.noteFinished(submission)
            return fail(submission, .other, "libcurl is out of memory")
        }
        let transfer = Transfer(submission, on: easy)
        transfer.prepare(configuration)
        guard easy.failure == CURLE_OK, curl_multi_add_handle(mailbox.multi, easy.raw) == CURLM_OK else {
            admission.noteFinished(submission)
            return fail(submission, .other, "libcurl refused it: \(String(cString: curl_easy_strerror(easy.failure)))")
        }
        active[ObjectIdentifier(submission.ticket)] = transfer
    }

    private mutating func cancel(_ ticket: Ticket) {
        if let transfer = active[ObjectIdentifier(ticket)] {
            release(transfer)
            failCancelled(transfer.submission)
        } else if let waiting = admission.remove(ticket) {
            failCancelled(waiting)
        }
    }

    /// - Returns: Whether anything was finished.
    private mutating func finishCompleted() -> Bool {
        var finishedAny = false
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(mailbox.multi, &remaining) {
            // Read out first: removing the handle frees the message.
            let outcome = message.pointee.data.result
            guard message.pointee.msg == CURLMSG_DONE, let transfer = Transfer.of(message.pointee.easy_handle) else {
                continue
            }
            let result = transfer.result(for: outcome)
            release(transfer)
            resume(transfer.submission, with: result)
            finishedAny = true
        }
        return finishedAny
    }

    /// Removing a transfer that is not complete closes its connection (HTTP/1.1) or resets its stream (HTTP/2).
    private mutating func release(_ transfer: Transfer) {
        curl_multi_remove_handle(mailbox.multi, transfer.easy.raw)
        active[ObjectIdentifier(transfer.submission.ticket)] = nil
        admission.noteFinished(transfer.submission)
        transfer.easy.reset()
        if spareHandles.count < configuration.maximumConnections { spareHandles.append(transfer.easy) }
    }

    private func failCancelled(_ submission: Submission) {
        fail(submission, .cancelled, "the task that sent it was cancelled")
    }

    private func fail(_ submission: Submission, _ code: HTTPTransportError.Code, _ reason: String) {
        resume(submission, with: .failure(HTTPTransportError(code, "\(submission.subject): \(reason).")))
    }

    private func resume(_ submission: Submission, with result: Result<IncomingResponse, HTTPTransportError>) {
        mailbox.noteFinished()
        submission.continuation.resume(returning: result)
    }

    private mutating func end(_ code: HTTPTransportError.Code, _ reason: String) {
        for submission in admission.removeAll() { fail(submission, code, reason) }
        for transfer in active.values {
            release(transfer)
            fail(transfer.submission, code, reason)
        }
        spareHandles = []
        curl_multi_cleanup(mailbox.multi)
        mailbox.noteEnded()
    }
}
