/// A command and its arguments, which may be any bytes.
public struct RedisCommand: Hashable, Sendable {
    /// Such as `HGETALL`; what errors call it by.
    public let name: String
    /// What follows the name.
    public let arguments: [[UInt8]]

    public init(_ name: String, _ arguments: [[UInt8]] = []) {
        self.name = name
        self.arguments = arguments
    }

    /// Arguments that are texts.
    public init(_ name: String, _ arguments: String...) {
        self.init(name, arguments.map { Array($0.utf8) })
    }

    /// Appends what goes over the line: an array of bulk strings (Redis, *RESP protocol spec*).
    ///
    /// Not by hiredis, which also writes to the socket by itself: then a server that hangs up would raise SIGPIPE, and
    /// a server that takes nothing would have its time-out anew with every byte.
    func encode(into bytes: inout [UInt8]) {
        bytes += "*\(arguments.count + 1)\r\n".utf8
        Self.encode(Array(name.utf8), into: &bytes)
        for argument in arguments { Self.encode(argument, into: &bytes) }
    }

    private static func encode(_ argument: [UInt8], into bytes: inout [UInt8]) {
        bytes += "$\(argument.count)\r\n".utf8
        bytes += argument
        bytes += "\r\n".utf8
    }
}
