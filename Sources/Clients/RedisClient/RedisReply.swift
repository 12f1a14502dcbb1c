import CHiredis

/// What Redis answers (RESP2). Texts are bytes: a value may be anything.
public enum RedisReply: Hashable, Sendable {
    case null
    case status(String)
    case integer(Int64)
    case string([UInt8])
    case array([RedisReply])
    /// The server's own words, which may quote what it was sent: not for logs.
    case error(String)

    /// The whole number that it is.
    ///
    /// - Throws: `RedisError.Code.decoding`.
    public func asInteger() throws(RedisError) -> Int64 {
        guard case .integer(let number) = self else { throw unfitting("a number") }
        return number
    }

    /// The bytes that it is.
    ///
    /// - Throws: `RedisError.Code.decoding`.
    public func asBytes() throws(RedisError) -> [UInt8] {
        guard case .string(let bytes) = self else { throw unfitting("bytes") }
        return bytes
    }

    /// The list that it is.
    ///
    /// - Throws: `RedisError.Code.decoding`.
    public func asArray() throws(RedisError) -> [RedisReply] {
        guard case .array(let elements) = self else { throw unfitting("a list") }
        return elements
    }

    /// What a command's refusal is as an error; other replies as they are.
    ///
    /// - Throws: `RedisError.Code.server`.
    public func orThrow(_ command: RedisCommand) throws(RedisError) -> RedisReply {
        if case .error(let text) = self { throw .refused(command.name, text) }
        return self
    }

    private func unfitting(_ wanted: String) -> RedisError {
        RedisError(.decoding, "Redis answered something else than \(wanted).")
    }
}

extension RedisReply {
    /// Copies a reply of hiredis, which nests nine levels at most.
    ///
    /// - Throws: `RedisError.Code.protocolViolation` for a kind that RESP2 does not have.
    init(_ raw: UnsafePointer<redisReply>) throws(RedisError) {
        let reply = raw.pointee
        switch reply.type {
        case REDIS_REPLY_NIL: self = .null
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_STATUS: self = .status(String(decoding: Self.bytes(reply), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: Self.bytes(reply), as: UTF8.self))
        case REDIS_REPLY_STRING: self = .string(Array(Self.bytes(reply)))
        case REDIS_REPLY_ARRAY: self = .array(try Self.elements(reply))
        default: throw RedisError(.protocolViolation, "What answers does not speak the protocol of Redis.")
        }
    }

    private static func bytes(_ reply: redisReply) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.str, count: reply.len)
    }

    private static func elements(_ reply: redisReply) throws(RedisError) -> [RedisReply] {
        var elements: [RedisReply] = []
        elements.reserveCapacity(reply.elements)
        for index in 0..<reply.elements {
            guard let element = reply.element[index] else { continue }
            elements.append(try RedisReply(element))
        }
        return elements
    }
}
