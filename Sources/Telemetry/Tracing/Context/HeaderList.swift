/// The members of a comma-separated header that may stand in several fields (RFC 9110, sections 5.3 and 5.6.1), in
/// order, without the white space around them and without the empty ones.
///
/// One at a time, so that a reader that has seen enough of a hostile header stops there.
struct HeaderList: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>

    init(_ headers: [String]) {
        rest = Array(headers.joined(separator: ",").utf8)[...]
    }

    mutating func next() -> ArraySlice<UInt8>? {
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
            let member = trimmingOWS(rest[..<end])
            rest = rest[end...].dropFirst()
            if !member.isEmpty { return member }
        }
        return nil
    }
}
