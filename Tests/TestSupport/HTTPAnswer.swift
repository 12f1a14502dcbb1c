import Foundation
public import HTTPClient
public import HTTPTypes
import ServiceTracing
public import ShopAPI

/// An answer as the tests look at it.
public struct HTTPAnswer: Sendable {
    public let status: Int
    public let headers: HTTPFields
    public let body: [UInt8]

    public init(_ response: IncomingResponse) {
        status = response.status.code
        headers = response.headers
        body = response.body
    }

    /// The body; null when it is no JSON.
    public var json: JSONValue { (try? JSON.decoder.decode(JSONValue.self, from: Data(body))) ?? .null }

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The `code` of an error.
    public var code: String? { json["code"].text }

    /// The header's value, whatever its name's case.
    public func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

    /// The trace of `traceresponse`, when that is well formed.
    public var traceID: String? {
        headers[.traceresponse].flatMap { SpanContext(traceParent: $0) }?.traceID.description
    }

    /// The last two digits of `traceresponse`.
    public var traceFlags: String? { headers[.traceresponse].map { String($0.suffix(2)) } }
}
