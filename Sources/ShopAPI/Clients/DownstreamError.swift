/// Why a call to another service has given nothing to go on with.
public struct DownstreamError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong.
    public enum Kind: Hashable, Sendable {
        /// No answer in time.
        case timeout
        /// No connection.
        case unreachable
        /// An answer that cannot be read.
        case badAnswer
        /// An error status, with the service's own code when it gave one.
        case status(Int, code: String?)
    }

    public let service: ServiceName
    public let kind: Kind
    /// For spans and logs: what happened, without secrets.
    public let detail: String

    public init(service: ServiceName, kind: Kind, detail: String) {
        self.service = service
        self.kind = kind
        self.detail = detail
    }

    /// The status the service answered with, nil when it did not.
    public var status: Int? {
        if case .status(let status, _) = kind { status } else { nil }
    }

    public var description: String { "\(service.rawValue): \(detail)" }
}
