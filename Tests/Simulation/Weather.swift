/// What lies between an edge and a server for a while.
enum Weather: CaseIterable, Sendable {
    /// Everything arrives, and is answered.
    case clear
    /// Anything may happen to a request or its answer.
    case flaky
    /// No connection.
    case down
    /// A login page answers everything with success.
    case portal
    /// And with a redirect.
    case redirect
    /// Every answer is one of 5xx.
    case storm
    /// 429 with `Retry-After`.
    case throttle
    /// 401 or 403.
    case refusedKey
    /// 404 and other 4xx that somebody has to put right.
    case misconfigured
    /// A proxy turns everything away with 400.
    case turnedAway

    static func thrown(_ dice: inout Dice) -> Weather {
        // The last costs a request for every span and its halves.
        dice.chance(4) ? .turnedAway : dice.pick(allCases.dropLast())
    }
}

/// What happens to one request on its way.
enum Fate: Sendable {
    case arrives
    /// Nobody hears of it.
    case requestLost
    /// The connection ends after so many of a thousand parts of the request.
    case requestCut(Int)
    /// It was taken, and the one who sent it never learns.
    case answerLost
    /// The same, after so many of a thousand parts of the answer.
    case answerCut(Int)
    /// What comes back was changed on the way.
    case answerGarbled
    /// The server gets it twice.
    case doubled
    /// It is given up for lost, and arrives later, after others.
    case late(seconds: Int)
    /// The server is busy.
    case status(Int)
    /// A proxy turns away so many requests, this one first.
    case turnedAway(Int)

    static func thrown(_ dice: inout Dice) -> Fate {
        switch dice.pick(0...20) {
        case 0, 1: .requestLost
        case 2, 3: .requestCut(dice.pick(0...999))
        case 4, 5: .answerLost
        case 6, 7: .answerCut(dice.pick(0...999))
        case 8: .answerGarbled
        case 9: .doubled
        case 20 where dice.chance(30): .turnedAway(dice.pick(2...60))
        case 10: .late(seconds: dice.magnitude(upTo: 7_200))
        case 11, 12: .status(dice.pick([408, 429, 500, 502, 503, 504, 507, 599]))
        default: .arrives
        }
    }
}
