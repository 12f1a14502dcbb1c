import CHiredis
import Dispatch
import Glibc
public import HTTPClient
import HTTPTypes
import ServiceTracing
public import Storage
public import Sync

/// Checks of what is elsewhere. None of it is needed for the show to go on: what cannot be sent waits.
public enum UpstreamChecks {
    /// Seconds to wait for each.
    private static let patience: Int32 = 3

    /// Whether orders can be pushed, as a trial of it has shown.
    ///
    /// - Parameter problem: Nil when they can be.
    public static func orders(_ problem: OrderUpstreamError?) -> Finding {
        let check = "orders upstream"
        return switch problem?.remedy {
        case nil: Finding(.good, check, "It takes orders.")
        case .person?: Finding(.bad, check, problem?.description ?? "")
        case .time?: Finding(.note, check, "\(problem?.description ?? "") Orders wait on this disk.")
        }
    }

    /// Whether the backend has taken a span; asked for, it has to have.
    public static func span(_ probe: IngressProbe) -> Finding {
        let (check, trace) = ("test span", probe.traceID.description)
        return switch probe.outcome {
        case .taken(""): Finding(.good, check, "It was taken: look for trace \(trace), of service sync.")
        case .taken(let warning): Finding(.note, check, "It was taken, as trace \(trace), with a warning: \(warning)")
        case .refused(let reason): Finding(.bad, check, "\(reason) (trace \(trace))")
        case .unanswered(let reason): Finding(.bad, check, "It is not proven. \(reason) (trace \(trace))")
        }
    }

    /// Whether a Redis answers PING.
    public static func redis(host: String, port: Int) async -> Finding {
        let answers = await onThread { pingRedis(host, Int32(clamping: port)) }
        return answers
            ? Finding(.good, "redis", "\(host):\(port) answers.")
            : Finding(.note, "redis", "\(host):\(port) does not answer.")
    }

    /// Whether an OTLP ingress can be reached, by any answer of its own, and whether it agrees with this clock.
    public static func ingress(_ url: String, transport: any HTTPTransport) async -> [Finding] {
        let request = OutgoingRequest(method: .head, url: url, timeout: .seconds(Int(patience)))
        do {
            let response = try await transport.send(request)
            var findings = [Finding(.good, "spans upstream", "It can be reached.")]
            if let date = response.headers[.date], let finding = skew(date) { findings.append(finding) }
            return findings
        } catch {
            return [Finding(.note, "spans upstream", "It cannot be reached (\(error.code)); spans wait on this disk.")]
        }
    }

    private static func skew(_ date: String) -> Finding? {
        guard let there = HTTPDate.seconds(date) else { return nil }
        let seconds = time(nil) - there
        guard abs(seconds) > 300 else { return nil }
        return Finding(
            .note,
            "clock",
            "This clock is \(abs(seconds)) s \(seconds > 0 ? "ahead of" : "behind") the ingress's."
        )
    }

    private static func pingRedis(_ host: String, _ port: Int32) -> Bool {
        let timeout = timeval(tv_sec: Int(patience), tv_usec: 0)
        guard let context = redisConnectWithTimeout(host, port, timeout) else { return false }
        defer { redisFree(context) }
        guard context.pointee.err == 0, redisSetTimeout(context, timeout) == REDIS_OK else { return false }
        let reply = withCStrings(["PING"]) { words in
            var words = Array(UnsafeBufferPointer(start: words, count: 1))
            return redisCommandArgv(context, 1, &words, nil)
        }
        guard let reply else { return false }
        defer { freeReplyObject(reply) }
        return reply.assumingMemoryBound(to: redisReply.self).pointee.type == REDIS_REPLY_STATUS
    }

    /// Both clients block; that is for a thread of Dispatch's, never for the cooperative pool.
    private static func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}

/// The strings as a C array that ends in NULL, for the length of the call.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    let pointers = copies.map { UnsafePointer<CChar>($0) } + [nil]
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the list ends in NULL, so it is not empty") }
        return body(base)
    }
}
