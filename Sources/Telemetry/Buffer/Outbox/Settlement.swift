/// What becomes of spans that waited.
public enum Settlement: Hashable, Sendable {
    /// The backend has answered for them; it refused so many for good, without saying which.
    case delivered(rejected: Int = 0, reason: String = "")
    /// Too old for the backend. Kept to be viewed and exported.
    case expired
    /// The backend takes the others, and not this one.
    case quarantined(reason: String)

    var state: OutcomeRange.State {
        switch self {
        case .delivered: .answered
        case .expired: .expired
        case .quarantined: .quarantined
        }
    }

    var rejected: Int { if case .delivered(let rejected, _) = self { max(0, rejected) } else { 0 } }

    /// Bounded: a backend's words are not trusted to be few.
    var reason: String {
        switch self {
        case .delivered(_, let reason), .quarantined(let reason): String(reason.prefix(200))
        case .expired: ""
        }
    }
}
