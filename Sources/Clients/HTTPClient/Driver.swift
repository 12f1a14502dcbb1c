import CCurl
import Synchronization

/// The thread's side of the client: every transfer, and every libcurl handle but the multi's wake-up, is touched here
/// and nowhere else.
struct Driver: ~Copyable {
    private let mailbox: Mailbox
    private let configuration: CurlClient.Configuration
    private var active: [ObjectIdentifier: Transfer] = [:]
    private var spareHandles: [EasyHandle] = []

    init(mailbox: Mailbox, configuration: CurlClient.Configuration) {
        self.mailbox = mailbox
        self.configuration = configuration
        let multi = mailbox.multi
        ccurl_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maximumConnections)
        ccurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost)
        // Without this libcurl keeps four idle connections for each transfer it has at the moment.
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maximumConnections)
    }

    /// Returns when the mailbox has been closed, everything unfinished has been told, and the multi handle is freed.
    mutating func run() {
        var reason = HTTPTransportError(.shutDown, "The HTTP client was shut down.")
        while true {
            let delivery = mailbox.takeDelivery()
            for submission in delivery.submissions { start(submission) }
            for ticket in delivery.cancellations { cancel(ticket) }
            if delivery.isClosing { break }
            if let failure = step() {
                reason = failure
                mailbox.close()
            }
        }
        end(reason)
    }

    /// Does what can be done, and waits for a socket, one of libcurl's timers, or the mailbox.
    ///
    /// - Returns: An error after which the multi handle is of no more use, or nil.
    private mutating func step() -> HTTPTransportError? {
        var running: Int32 = 0
        var outcome = curl_multi_perform(mailbox.multi, &running)
        if outcome == CURLM_OK {
            finishCompleted()
            outcome = curl_multi_poll(mailbox.multi, nil, 0, .max, nil)
        }
        guard outcome != CURLM_OK else { return nil }
        return HTTPTransportError(.other, "libcurl stopped: \(String(cString: curl_multi_strerror(outcome))).")
    }

    private mutating func start(_ submission: Submission) {
        guard !submission.ticket.isCancelled.load(ordering: .sequentiallyConsistent) else {
            return resume(submission, with: .failure(Transfer.cancellation(of: submission)))
        }
        guard let easy = spareHandles.popLast() ?? EasyHandle() else {
            return resume(submission, with: .failure(HTTPTransportError(.other, "libcurl is out of memory.")))
        }
        let transfer = Transfer(submission, on: easy)
        transfer.prepare(configuration)
        guard easy.failure == CURLE_OK, curl_multi_add_handle(mailbox.multi, easy.raw) == CURLM_OK else {
            return resume(submission, with: .failure(transfer.error(for: easy.failure)))
        }
        active[ObjectIdentifier(submission.ticket)] = transfer
    }

    private mutating func cancel(_ ticket: Ticket) {
        guard let transfer = active[ObjectIdentifier(ticket)] else { return }
        finish(transfer, with: .failure(Transfer.cancellation(of: transfer.submission)))
    }

    private mutating func finishCompleted() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(mailbox.multi, &remaining) {
            // Copied out: removing the handle frees the message.
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let outcome = message.pointee.data.result
            guard let transfer = Transfer.of(easy) else { continue }
            finish(transfer, with: transfer.result(for: outcome))
        }
    }

    /// Removing a transfer that is not complete closes its connection (HTTP/1.1) or resets its stream (HTTP/2).
    private mutating func finish(_ transfer: Transfer, with result: Result<IncomingResponse, HTTPTransportError>) {
        curl_multi_remove_handle(mailbox.multi, transfer.easy.raw)
        active[ObjectIdentifier(transfer.submission.ticket)] = nil
        transfer.easy.reset()
        if spareHandles.count < configuration.maximumConnections { spareHandles.append(transfer.easy) }
        resume(transfer.submission, with: result)
    }

    private func resume(_ submission: Submission, with result: Result<IncomingResponse, HTTPTransportError>) {
        mailbox.noteFinished()
        submission.continuation.resume(returning: result)
    }

    private mutating func end(_ reason: HTTPTransportError) {
        for transfer in active.values { finish(transfer, with: .failure(reason)) }
        spareHandles = []
        curl_multi_cleanup(mailbox.multi)
        mailbox.noteEnded()
    }
}
