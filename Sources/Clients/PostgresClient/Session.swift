import CLibPQ
import Glibc

/// A `PGconn`, finished with its last reference. Not Sendable: it belongs to one connection's queue.
final class Session {
    let raw: OpaquePointer

    /// Starts to connect, non-blocking.
    ///
    /// - Returns: Nil when there is no memory.
    init?(_ url: String) {
        let settings = [
            ("dbname", url), ("client_encoding", "UTF8"), ("fallback_application_name", "popshop"),
        ]
        let raw = withCStrings(settings.map(\.0)) { names in
            withCStrings(settings.map(\.1)) { values in PQconnectStartParams(names, values, 1) }
        }
        guard let raw else { return nil }
        self.raw = raw
        // With the SQLSTATE in front, which there is no other way to learn while connecting.
        PQsetErrorVerbosity(raw, PQERRORS_VERBOSE)
        // Without a receiver libpq writes what the server has to say to stderr.
        PQsetNoticeReceiver(raw, { _, _ in }, nil)
    }

    deinit { PQfinish(raw) }

    var isBroken: Bool { PQstatus(raw) == CONNECTION_BAD }

    /// Takes all that has come. Until there is no more, the end of the connection included: Dispatch tells of a hang-up
    /// once, together with what came before it.
    ///
    /// - Returns: False when the connection has ended.
    func consume() -> Bool {
        repeat {
            guard PQconsumeInput(raw) == 1 else { return false }
        } while hasMore
        return true
    }

    private var hasMore: Bool {
        var descriptor = pollfd(fd: PQsocket(raw), events: Int16(POLLIN), revents: 0)
        return descriptor.fd >= 0 && poll(&descriptor, 1, 0) > 0
    }

    /// What libpq says about the last failure, possibly several lines.
    var errorText: String { PQerrorMessage(raw).map { String(cString: $0) } ?? "" }

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
