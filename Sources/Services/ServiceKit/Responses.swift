import FoundationEssentials
public import HTTPTypes
public import Hummingbird
import NIOCore
import ServiceTracing
import ShopAPI

extension Response {
    /// A JSON answer.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot carry.
    public static func json(
        _ body: some Encodable,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) throws -> Response {
        let data = try JSON.encoder.encode(body)
        return json(ByteBuffer(bytes: data), status, headers)
    }

    static func json(_ error: ServiceError, traceID: TraceID) -> Response {
        let body = ErrorMessage(error: error.message, code: error.code, traceID: traceID.description)
        let data = try? JSON.encoder.encode(body)
        return json(ByteBuffer(bytes: data ?? .init()), error.status, error.headers)
    }

    /// An answer of bytes that are JSON already.
    static func json(
        _ body: ByteBuffer,
        _ status: HTTPResponse.Status = .ok,
        _ headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        headers[.contentLength] = "\(body.readableBytes)"
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
