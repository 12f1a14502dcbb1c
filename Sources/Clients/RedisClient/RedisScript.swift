import Synchronization

/// A Lua script that runs inside Redis, atomically; sent once and then called by its digest.
public final class RedisScript: Sendable {
    /// The script.
    public let text: String
    /// Its SHA-1, which the server says when it first gets the text; the same on every server.
    private let digest = Mutex<[UInt8]?>(nil)

    public init(_ text: String) { self.text = text }

    /// Nil while the digest is not known.
    public func byDigest(_ keys: [[UInt8]], _ arguments: [[UInt8]]) -> RedisCommand? {
        digest.withLock { $0 }.map { command("EVALSHA", $0, keys, arguments) }
    }

    /// With the text, which the server keeps.
    public func byText(_ keys: [[UInt8]], _ arguments: [[UInt8]]) -> RedisCommand {
        command("EVAL", Array(text.utf8), keys, arguments)
    }

    func learn(_ reply: RedisReply) {
        guard case .string(let bytes) = reply else { return }
        digest.withLock { $0 = bytes }
    }

    private func command(
        _ name: String,
        _ script: [UInt8],
        _ keys: [[UInt8]],
        _ arguments: [[UInt8]]
    ) -> RedisCommand {
        RedisCommand(name, [script, Array("\(keys.count)".utf8)] + keys + arguments)
    }
}
