import Gzip
public import HTTPServer
import HTTPTypes
import Hummingbird
public import Logging
import NIOCore
import OTLP
public import ServiceLifecycle
public import TelemetryBuffer

/// An OTLP/HTTP receiver: what any OpenTelemetry program sends goes into the buffer, and on from there (OTLP
/// specification, *OTLP/HTTP*).
///
/// A request is answered when its spans are on this disk: whoever sent them may forget them then. When they come faster
/// than the disk takes them the answer is 429, before any of them was taken, so that none is sent twice.
public struct OTLPReceiver: Sendable {
    /// The port of OTLP/HTTP.
    public static let port = 4_318
    /// The most that a request may have, as it comes and unpacked, in bytes.
    private static let (maximumBody, maximumMessage) = (8 << 20, 32 << 20)

    private let buffer: SpanBuffer

    public init(buffer: SpanBuffer) { self.buffer = buffer }

    /// The receiver on a socket, to be run in a `ServiceGroup`.
    ///
    /// - Parameter onListening: Called with the port once requests are taken.
    public func application(
        host: String,
        port: Int,
        limits: ServerLimits = ServerLimits(),
        logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) -> some Service {
        var logger = logger
        if logger.logLevel == .info { logger.logLevel = .notice }
        let router = Router()
        let isLoopbackOnly = LoopbackAuthority.isLoopback(listeningOn: host)
        router.post("/v1/traces") { request, _ in
            // A page of another site may have had its own name resolve to loopback.
            guard !isLoopbackOnly || LoopbackAuthority.isLoopback(request.head.authority) else {
                return Refusal(.misdirectedRequest, "This is only known as localhost, or by a loopback address.")
                    .response
            }
            return await answer(request)
        }
        return Application(
            router: router,
            server: limits.http(onEventLoop: false),
            configuration: limits.configuration(host: host, port: port),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger
        )
    }

    private func answer(_ request: Request) async -> Response {
        let form = Form(request.headers[.contentType])
        do throws(Refusal) {
            guard let form else {
                throw Refusal(.unsupportedMediaType, "The body must be application/x-protobuf or application/json.")
            }
            let spans = try Self.decode(try await Self.message(request), form)
            return try await take(spans, form)
        } catch {
            return error.response
        }
    }

    private static func message(_ request: Request) async throws(Refusal) -> [UInt8] {
        let body: [UInt8]
        do {
            body = Array(try await request.body.collect(upTo: maximumBody).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Refusal(.contentTooLarge, "The body is over \(maximumBody >> 20) MiB.")
        } catch {
            throw Refusal(.badRequest, "The body did not come whole.")
        }
        switch request.headers[.contentEncoding]?.lowercased() ?? "identity" {
        case "identity": return body
        case "gzip":
            do throws(Gzip.Failure) {
                return try Gzip.decompress(body, upTo: maximumMessage)
            } catch {
                if error == .malformed { throw Refusal(.badRequest, "The body is not gzip.") }
                throw Refusal(.contentTooLarge, "The body is over \(maximumMessage >> 20) MiB when it is unpacked.")
            }
        default: throw Refusal(.unsupportedMediaType, "The body's coding must be gzip or none.")
        }
    }

    private static func decode(_ message: [UInt8], _ form: Form) throws(Refusal) -> ExportRequest {
        do throws(OTLPDecodingError) {
            return form == .json ? try ExportRequest(json: message) : try ExportRequest(protobuf: message)
        } catch {
            throw Refusal(.badRequest, "The body is no ExportTraceServiceRequest.")
        }
    }

    private func take(_ request: ExportRequest, _ form: Form) async throws(Refusal) -> Response {
        guard request.count <= buffer.mostAtOnce else {
            throw Refusal(.contentTooLarge, "The body has more than \(buffer.mostAtOnce) spans.")
        }
        guard buffer.hasRoom(for: request.count) else { throw Refusal.busy }
        var rejected = 0
        for group in request.groups {
            guard let resource = try? EncodedResource(otlp: group.resource) else {
                rejected += group.spans.count
                continue
            }
            for span in group.spans {
                guard let span = try? EncodedSpan(otlp: span, resource: resource), buffer.append(span) else {
                    rejected += 1
                    continue
                }
            }
        }
        do { try await buffer.flush() } catch {
            // They wait in memory, and would be there twice if they came again: so the answer is that they were taken.
        }
        return form.response(rejected: rejected)
    }
}

/// How a request is written, and its answer.
private enum Form {
    case protobuf, json

    init?(_ contentType: String?) {
        switch contentType?.prefix(while: { $0 != ";" }).filter({ $0 != " " }).lowercased() {
        case "application/x-protobuf", "application/protobuf": self = .protobuf
        case "application/json": self = .json
        default: return nil
        }
    }

    func response(rejected: Int) -> Response {
        let message = rejected > 0 ? "Spans that do not read, or have no valid ids, were refused." : ""
        let bytes =
            self == .json
            ? ExportResponse.json(rejected: rejected, message) : ExportResponse.protobuf(rejected: rejected, message)
        let type = self == .json ? "application/json" : "application/x-protobuf"
        return Response(
            status: .ok,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}

/// A request that is not taken, with a sentence that says why.
private struct Refusal: Error {
    static let busy = Refusal(.tooManyRequests, "Spans come faster than the disk takes them.", [.retryAfter: "1"])

    let response: Response

    init(_ status: HTTPResponse.Status, _ sentence: String, _ headers: HTTPFields = [:]) {
        var headers = headers
        headers[.contentType] = "text/plain; charset=utf-8"
        response = Response(
            status: status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: sentence + "\n"))
        )
    }
}
