/// Why Redis did not do what was asked.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, as a caller tells one from another.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: Hashable {
            case invalidURL, connectionFailed, connectionLost, timeout, protocolViolation, decoding
            case server(String)
        }

        private let value: Value

        private init(_ value: Value) { self.value = value }

        /// The URL is not one of a Redis that can be used here. Nothing was sent.
        public static let invalidURL = Code(.invalidURL)

        /// No connection: unreachable, refused, wrong password, unknown database, or not made in time.
        public static let connectionFailed = Code(.connectionFailed)

        /// The connection ended under a command, which the server may have executed.
        public static let connectionLost = Code(.connectionLost)

        /// The command was not answered in time; the server may have executed it, or may do so yet.
        public static let timeout = Code(.timeout)

        /// What answers does not speak the protocol (RESP2), or says more than an answer may hold.
        public static let protocolViolation = Code(.protocolViolation)

        /// An answer is not of the kind that it was read as.
        public static let decoding = Code(.decoding)

        /// The server refused the command with this first word, such as `WRONGTYPE` (Redis, *RESP simple errors*).
        public static func server(_ word: String) -> Code { Code(.server(word)) }

        /// The code's name.
        public var description: String {
            if case .server(let word) = value { return "server(\(word))" }
            return "\(value)"
        }

        /// The first word of the server's refusal, if it is one.
        public var serverWord: String? {
            if case .server(let word) = value { return word }
            return nil
        }
    }

    /// The reason.
    public var code: Code

    /// One sentence for a log, without a password and without a command's arguments.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}

extension RedisError {
    /// A server quotes in its errors what it was sent. So only the first word is repeated, with words of ours.
    static func refused(_ command: String, _ text: String) -> RedisError {
        let word = firstWord(text)
        let reason = reasons[word] ?? "see the server's log"
        return RedisError(.server(word), "Redis refused \(command) (\(word)): \(reason).")
    }

    /// The upper-case word that an error of the protocol begins with; `ERR` for one that has none.
    private static func firstWord(_ text: String) -> String {
        let word = text.prefix { $0 != " " }
        let isOfTheProtocol = (1...32).contains(word.utf8.count) && word.utf8.allSatisfy { 0x41...0x5A ~= $0 }
        return isOfTheProtocol ? String(word) : "ERR"
    }

    private static let reasons = [
        "BUSY": "a script occupies it",
        "EXECABORT": "the transaction was given up",
        "LOADING": "it is still reading its data",
        "MASTERDOWN": "its primary does not answer",
        "MISCONF": "it cannot write its snapshots to disk",
        "MOVED": "it is a cluster, which is not supported",
        "NOAUTH": "it asks for a password",
        "NOPERM": "the user may not do that",
        "NOSCRIPT": "it does not have the script",
        "OOM": "its memory is full",
        "READONLY": "it is a replica",
        "WRONGPASS": "the user or the password is wrong",
        "WRONGTYPE": "the key holds something else",
    ]
}
