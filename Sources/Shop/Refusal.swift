/// Why a command cannot do what it was asked: one sentence for a person, and the exit code of `sysexits.h` for a script.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The exit codes this shop uses.
    public enum Code: Int32, Hashable, Sendable {
        /// A bad option or value (EX_USAGE).
        case usage = 64
        /// A file that cannot be read as what it should be (EX_DATAERR).
        case dataError = 65
        /// A port that is taken (EX_UNAVAILABLE).
        case unavailable = 69
        /// A file or folder that cannot be made (EX_CANTCREAT).
        case cannotCreate = 73
        /// Somebody else is at it, or something still waits (EX_TEMPFAIL).
        case temporary = 75
        /// Misconfigured (EX_CONFIG).
        case configuration = 78
    }

    public let code: Code
    /// One sentence, without a stack and without secrets.
    public let sentence: String

    public init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    public var description: String { sentence }
}
