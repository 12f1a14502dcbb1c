/// The vendors' own part of a trace context (W3C Trace Context level 2, section 3.3): members in order, unread by us.
public struct TraceState: Hashable, Sendable {
    /// `key=value`, each as it came, the most recent vendor first.
    public let members: [String]

    /// No members: no header is sent.
    public static let empty = TraceState(members: [])

    /// More members than this and the whole header is dropped (section 3.3.1.1).
    static let maximumMembers = 32
    /// What is carried at least is 512 characters (section 3.3.1.5); ours is generous.
    public static let maximumCharacters = 4096
    /// Members longer than this are the first to go when the whole is too long (section 3.3.1.5).
    static let longMember = 128

    private init(members: [String]) {
        self.members = members
    }

    /// Joins the headers in order and reads them; one malformed member makes the whole invalid, which is `empty`.
    /// Of two members with one key the first, which is the more recent, is kept (section 3.3.1.4).
    public init(headers: [String]) {
        var members: [String] = []
        var keys: [ArraySlice<UInt8>] = []
        var count = 0
        for member in HeaderList(headers) {
            count += 1
            guard count <= Self.maximumMembers, let key = Self.key(of: member) else {
                self = .empty
                return
            }
            if keys.contains(key) { continue }
            keys.append(key)
            members.append(String(decoding: member, as: UTF8.self))
        }
        self.init(members: members)
    }

    /// The value of a vendor's key, nil when it is absent.
    public subscript(key: String) -> String? {
        guard let member = members.first(where: { $0.hasPrefix(key + "=") }) else { return nil }
        return String(member.dropFirst(key.count + 1))
    }

    /// The header to send, nil when there is nothing. Whole members are dropped until `limit` characters hold it:
    /// those over 128 characters first, then from the right.
    public func header(limit: Int = maximumCharacters) -> String? {
        var kept = members
        func length() -> Int { kept.reduce(kept.count - 1) { $0 + $1.utf8.count } }
        while length() > limit, let long = kept.lastIndex(where: { $0.utf8.count > Self.longMember }) {
            kept.remove(at: long)
        }
        while !kept.isEmpty, length() > limit { kept.removeLast() }
        return kept.isEmpty ? nil : kept.joined(separator: ",")
    }

    /// The key of a well-formed member, nil for any other.
    private static func key(of member: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let key = member[..<equals]
        return isValidKey(key) && isValidValue(member[(equals + 1)...]) ? key : nil
    }

    /// Level 2 allows `@` anywhere in a key; the conformance suite still holds to the older `tenant@system` form.
    /// What satisfies both is accepted: without `@` the newer rule (a digit may come first), with it the older.
    private static func isValidKey(_ key: ArraySlice<UInt8>) -> Bool {
        let parts = key.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard let first = parts.first, let start = first.first, isLowercase(start) || isDigit(start),
            parts.allSatisfy({ $0.allSatisfy(isKeyCharacter) })
        else { return false }
        switch parts.count {
        case 1: return key.count <= 256
        case 2:
            return first.count <= 241 && (1...14).contains(parts[1].count) && isLowercase(parts[1][parts[1].startIndex])
        default: return false
        }
    }

    private static func isValidValue(_ value: ArraySlice<UInt8>) -> Bool {
        (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }

    private static func isKeyCharacter(_ byte: UInt8) -> Bool {
        isLowercase(byte) || isDigit(byte) || "_-*/".utf8.contains(byte)
    }

    private static func isLowercase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
