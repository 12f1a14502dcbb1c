import FoundationEssentials
public import HTTPTypes
public import Hummingbird
import NIOCore
import ServiceTracing
import ShopAPI

// Made once: reading a name validates it.
private let corpName: HTTPField.Name = {
    guard let name = HTTPField.Name("Cross-Origin-Resource-Policy") else { preconditionFailure("it is a token") }
    return name
}()

extension Response {
    /// A JSON answer.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot carry.
    public static func json(
        _ body: some Encodable,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) throws -> Response {
        json(ByteBuffer(bytes: try JSON.bytes(body)), status, headers)
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
        // Data: nothing in it is to be run, framed, or loaded into a page of another site.
        headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        headers[corpName] = "same-origin"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
