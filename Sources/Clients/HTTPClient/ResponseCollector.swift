import HTTPTypes

/// Builds an answer out of the header lines and content that libcurl hands over, and says when to stop: a value
/// without I/O.
struct ResponseCollector {
    /// Why collecting stopped.
    enum Refusal: Hashable {
        case headersTooLong
        case contentTooLong
    }

    private enum Part {
        case status, fields, content
    }

    /// libcurl bounds a line and not, in every version, their sum.
    static let maximumHeaderBytes = 256 << 10

    private(set) var status = 0
    private(set) var headers = HTTPFields()
    private(set) var body: [UInt8] = []
    private(set) var refusal: Refusal?

    /// Whether the final answer's header section has come to its end. libcurl 7.88 reports success for an answer that
    /// is cut in the middle of it.
    var hasWholeHeaders: Bool { part == .content }

    private let maximumBodyBytes: Int
    private let expectsContent: Bool
    private var part = Part.status
    private var headerBytes = 0

    init(to method: HTTPRequest.Method, maximumBodyBytes: Int) {
        self.maximumBodyBytes = maximumBodyBytes
        self.expectsContent = method != .head
    }

    /// Takes one line of the header section, line end included.
    ///
    /// - Returns: False if the exchange is to be abandoned; `refusal` says why.
    mutating func take(line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        guard headerBytes <= Self.maximumHeaderBytes else { return refuse(.headersTooLong) }
        let text = line.trimmingHTTPWhitespace()
        switch part {
        case .status: takeStatus(text)
        case .fields where text.isEmpty: return endFields()
        case .fields: takeField(text, isContinuation: line.first?.isSpaceOrTab ?? false)
        case .content: break  // A trailer.
        }
        return true
    }

    /// Takes a piece of the content.
    ///
    /// - Returns: False if the exchange is to be abandoned; `refusal` says why.
    mutating func take(content: UnsafeRawBufferPointer) -> Bool {
        guard content.count <= maximumBodyBytes - body.count else { return refuse(.contentTooLong) }
        body.append(contentsOf: content)
        return true
    }

    /// `HTTP/1.1 200 OK` (RFC 9112 §4). libcurl has checked the line, and writes one for HTTP/2 too.
    private mutating func takeStatus(_ text: Slice<UnsafeRawBufferPointer>) {
        let code = text.drop { $0 != UInt8(ascii: " ") }.dropFirst().prefix(3)
        status = code.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) }
        headers = HTTPFields()
        part = .fields
    }

    private mutating func takeField(_ text: Slice<UnsafeRawBufferPointer>, isContinuation: Bool) {
        guard !isContinuation else { return unfold(text) }
        guard
            let colon = text.firstIndex(of: UInt8(ascii: ":")),
            let name = HTTPField.Name(String(decoding: text[..<colon], as: UTF8.self))
        else { return }
        let value = text[text.index(after: colon)...].drop { $0.isSpaceOrTab }
        headers.append(HTTPField(name: name, lenientValue: value))
    }

    /// A folded line counts as a space and the rest of the value (RFC 9112 §5.2).
    private mutating func unfold(_ text: Slice<UnsafeRawBufferPointer>) {
        guard let last = headers.indices.last else { return }
        let value = headers[last].withUnsafeBytesOfValue { Array($0) } + [UInt8(ascii: " ")] + text
        headers[last] = HTTPField(name: headers[last].name, lenientValue: value)
    }

    private mutating func endFields() -> Bool {
        guard status >= 200 else {
            part = .status
            return true
        }
        part = .content
        guard expectsContent, status != 304, let length = headers[.contentLength].flatMap(Int.init) else { return true }
        guard length <= maximumBodyBytes else { return refuse(.contentTooLong) }
        // What is announced is not yet sent: no more than this is set aside on a peer's word.
        body.reserveCapacity(max(0, min(length, 1 << 20)))
        return true
    }

    private mutating func refuse(_ reason: Refusal) -> Bool {
        refusal = reason
        return false
    }
}

extension UInt8 {
    fileprivate var isSpaceOrTab: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

    fileprivate var isHTTPWhitespace: Bool {
        isSpaceOrTab || self == UInt8(ascii: "\r") || self == UInt8(ascii: "\n")
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func trimmingHTTPWhitespace() -> Slice<UnsafeRawBufferPointer> {
        var rest = self[...]
        while let last = rest.last, last.isHTTPWhitespace { rest = rest.dropLast() }
        return rest.drop { $0.isHTTPWhitespace }
    }
}
