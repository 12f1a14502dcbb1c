import Glibc
public import HTTPClient
import HTTPTypes
import ServiceTracing
public import Storage
public import Sync

/// Checks of what is elsewhere. None of it is needed for the show to go on: what cannot be sent waits.
public enum UpstreamChecks {
    /// Seconds to wait for each.
    private static let patience = 3

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

    /// Whether a Redis answers, as a trial of it has shown.
    ///
    /// - Parameter problem: Nil when it does.
    public static func redis(_ problem: String?) -> Finding {
        guard let problem else { return Finding(.good, "redis", "It answers.") }
        return Finding(.note, "redis", "\(problem) Carts are kept in memory until it does.")
    }

    /// Whether an OTLP ingress can be reached, by any answer of its own, and whether it agrees with this clock.
    public static func ingress(_ url: String, transport: any HTTPTransport) async -> [Finding] {
        let request = OutgoingRequest(method: .head, url: url, timeout: .seconds(patience))
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
}
