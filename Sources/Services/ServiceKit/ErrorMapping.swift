import Commerce
import Faults
import HTTPTypes
import Hummingbird
import NIOCore
import ShopAPI
import Storage

extension ServiceError {
    /// The one place where a thrown error gets its status.
    public init(mapping error: any Error) {
        switch error {
        case let error as ServiceError: self = error
        case let error as InputError: self.init(error)
        case let error as FaultError: self.init(error)
        case let error as DecodingError: self.init(error)
        case let error as StorageError: self.init(error)
        case let error as DownstreamError: self.init(error)
        case is MoneyError: self.init(.unprocessableContent, "out_of_range", "The amount is more than money can be.")
        case let error as CartError: self.init(error)
        case is NIOTooManyBytesError: self.init(.contentTooLarge, "body_too_large", "The body is over 1 MiB.")
        case let error as any HTTPResponseError: self.init(error)
        case is CancellationError:
            self.init(.serviceUnavailable, "cancelled", "The request was cancelled.", headers: [.retryAfter: "1"])
        default:
            self.init(.internalServerError, "internal_error", "Something went wrong inside.", cause: "\(error)")
        }
    }

    private init(_ error: InputError) {
        let status: HTTPResponse.Status =
            switch error.kind {
            case .malformed: .badRequest
            case .outOfRange: .unprocessableContent
            }
        self.init(status, error.code, error.message)
    }

    private init(_ error: FaultError) {
        self.init(error.isOutOfRange ? .unprocessableContent : .badRequest, error.code, error.sentence)
    }

    private init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, _):
            self.init(.badRequest, "missing_field", "\(key.stringValue) is required.")
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            self.init(.badRequest, "wrong_type", "\(field.isEmpty ? "The body" : field) has the wrong type.")
        default:
            self.init(.badRequest, "malformed_json", "The body is not valid JSON.")
        }
    }

    private init(_ error: StorageError) {
        let later: HTTPFields = [.retryAfter: "1"]
        switch error.code {
        case .poolExhausted:
            self.init(
                .serviceUnavailable,
                "pool_exhausted",
                "No database connection became free in time.",
                headers: later,
                cause: error.description
            )
        case .diskFull:
            self.init(
                .serviceUnavailable,
                "disk_full",
                "The shop's disk is full.",
                headers: [.retryAfter: "30"],
                cause: error.description
            )
        case .unavailable:
            self.init(
                .serviceUnavailable,
                "storage_unavailable",
                "The shop's storage does not answer.",
                headers: later,
                cause: error.description
            )
        default:
            self.init(
                .internalServerError,
                "storage_error",
                "The shop's storage failed.",
                cause: error.description
            )
        }
    }

    private init(_ error: DownstreamError) {
        let name = error.service.rawValue
        switch error.kind {
        case .timeout:
            self.init(.gatewayTimeout, "downstream_timeout", "\(name) did not answer in time.", cause: "\(error)")
        case .unreachable:
            self.init(.badGateway, "downstream_unreachable", "\(name) cannot be reached.", cause: "\(error)")
        case .badAnswer:
            self.init(.badGateway, "downstream_bad_answer", "\(name) answered nonsense.", cause: "\(error)")
        case .status(let status, _):
            self.init(.badGateway, "downstream_error", "\(name) answered \(status).", cause: "\(error)")
        }
    }

    private init(_ error: CartError) {
        switch error {
        case .tooMany:
            self.init(
                .unprocessableContent,
                "out_of_range",
                "A line of a cart holds \(Quantity.range.lowerBound) to \(Quantity.range.upperBound) of a product."
            )
        case .tooManyLines:
            self.init(
                .unprocessableContent,
                "cart_full",
                "A cart holds at most \(Cart.maximumLines) different products."
            )
        }
    }

    private init(_ error: any HTTPResponseError) {
        switch error.status {
        case .notFound: self.init(.notFound, "not_found", "There is nothing here.")
        case .contentTooLarge: self.init(.contentTooLarge, "body_too_large", "The body is over 1 MiB.")
        default: self.init(error.status, "http_error", error.status.reasonPhrase + ".", cause: "\(error)")
        }
    }
}
