import CLibPQ
import Glibc
import Readiness

/// A connected `PGconn`, finished with its last reference. Not Sendable: it belongs to one connection's actor.
final class Session {
    let raw: OpaquePointer
    let readiness: Readiness

    /// Whether it is waited for the descriptor to take more.
    var isWriting = false {
        didSet { if isWriting != oldValue { readiness.setWriting(isWriting) } }
    }

    private init(_ raw: OpaquePointer, _ readiness: Readiness) { (self.raw, self.readiness) = (raw, readiness) }

    deinit { PQfinish(raw) }

    /// Connects, and blocks its thread meanwhile, which libpq does as well while it asks name servers.
    ///
    /// - Parameter isWanted: Asked now and then.
    /// - Throws: `PostgresError` with `connectionFailed`.
    static func connect(
        _ url: PostgresURL,
        while isWanted: @Sendable () -> Bool
    ) throws(PostgresError) -> sending Session {
        let settings = [
            ("dbname", url.text), ("client_encoding", "UTF8"), ("fallback_application_name", "popshop"),
        ]
        let start = withCStrings(settings.map(\.0)) { names in
            withCStrings(settings.map(\.1)) { values in PQconnectStartParams(names, values, 1) }
        }
        guard let raw = start else { throw ErrorText.error(url, "there is no memory", sqlState: nil) }
        // With the SQLSTATE in front, which there is no other way to learn while connecting.
        PQsetErrorVerbosity(raw, PQERRORS_VERBOSE)
        // Without a receiver libpq writes what the server has to say to stderr.
        PQsetNoticeReceiver(raw, { _, _ in }, nil)
        do throws(PostgresError) {
            try finishConnecting(raw, url, while: isWanted)
            guard let readiness = Readiness(PQsocket(raw)) else {
                throw ErrorText.error(url, "no descriptor is left", sqlState: nil)
            }
            guard PQsetnonblocking(raw, 1) == 0 else { throw ErrorText.connecting(text(raw), url) }
            return Session(raw, readiness)
        } catch {
            PQfinish(raw)
            throw error
        }
    }

    private static func finishConnecting(
        _ raw: OpaquePointer,
        _ url: PostgresURL,
        while isWanted: @Sendable () -> Bool
    ) throws(PostgresError) {
        guard PQstatus(raw) != CONNECTION_BAD else { throw ErrorText.connecting(text(raw), url) }
        var events = POLLOUT
        while true {
            var watched = pollfd(fd: PQsocket(raw), events: Int16(events), revents: 0)
            // In slices, since somebody who gives up cannot wake it.
            while poll(&watched, 1, 50) == 0 {
                guard isWanted() else { throw ErrorText.error(url, "it was given up", sqlState: nil) }
            }
            switch PQconnectPoll(raw) {
            case PGRES_POLLING_READING: events = POLLIN
            case PGRES_POLLING_WRITING: events = POLLOUT
            case PGRES_POLLING_OK: return
            default: throw ErrorText.connecting(text(raw), url)
            }
        }
    }

    var isBroken: Bool { PQstatus(raw) == CONNECTION_BAD }

    /// Takes what has come, or much of it.
    ///
    /// - Returns: False when the connection has ended.
    @discardableResult
    func consume() -> Bool { PQconsumeInput(raw) == 1 }

    /// Whether there is more to be taken, the end of the connection included.
    var hasMore: Bool {
        var descriptor = pollfd(fd: PQsocket(raw), events: Int16(POLLIN), revents: 0)
        return descriptor.fd >= 0 && poll(&descriptor, 1, 0) > 0
    }

    /// What libpq says about the last failure, possibly several lines.
    private static func text(_ raw: OpaquePointer) -> String { PQerrorMessage(raw).map { String(cString: $0) } ?? "" }

    func parameter(_ name: String) -> String? { PQparameterStatus(raw, name).map { String(cString: $0) } }
}

/// The fields of an error by the protocol's letters (PostgreSQL documentation, *Error and Notice Message Fields*); libpq
/// names them by macros that Swift does not see.
enum ErrorField: Int32 {
    case sqlState = 0x43  // C
    case message = 0x4d  // M
}

/// The strings as a C array that ends in NULL, for the length of the call.
func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
    var bytes: [CChar] = []
    var starts: [Int] = []
    for string in strings {
        starts.append(bytes.count)
        bytes += string.utf8.map { CChar(bitPattern: $0) } + [0]
    }
    return bytes.withUnsafeBufferPointer { bytes in
        let pointers = starts.map { start in bytes.baseAddress.map { $0 + start } } + [nil]
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
