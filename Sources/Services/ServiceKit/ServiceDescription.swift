import Assets
import HTTPTypes
import Hummingbird
import NIOCore
import ShopAPI

/// What a service's routes take and answer, as OpenAPI 3.1: a file of `fixtures/openapi` that is compiled in.
struct ServiceDescription: Sendable {
    private let bytes: ByteBuffer

    /// Nil where there is no such file.
    init?(of service: ServiceName) {
        guard let asset = Asset.at("fixtures/openapi/\(service.rawValue).json") else { return nil }
        bytes = ByteBuffer(bytes: asset.bytes)
    }

    /// The file as it is.
    var response: Response { .json(bytes) }
}
