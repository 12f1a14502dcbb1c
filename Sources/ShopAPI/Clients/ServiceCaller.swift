import FoundationEssentials
public import HTTPClient
import HTTPTypes
public import ServiceTracing
import Tracing

/// Calls other services over HTTP on behalf of one: a CLIENT span a call, with context and baggage sent along.
public struct ServiceCaller: Sendable {
    private let transport: any HTTPTransport
    private let tracer: ServiceTracer
    private let urls: ServiceURLs
    private let timeout: Duration

    /// - Parameter timeout: For one whole call.
    public init(
        transport: any HTTPTransport,
        tracer: ServiceTracer,
        urls: ServiceURLs,
        timeout: Duration = .seconds(5)
    ) {
        self.transport = transport
        self.tracer = tracer
        self.urls = urls
        self.timeout = timeout
    }

    /// The same caller, but for one service that it finds somewhere else.
    public func reaching(_ service: ServiceName, at url: String) -> ServiceCaller {
        var urls = urls
        urls[service] = url
        return ServiceCaller(transport: transport, tracer: tracer, urls: urls, timeout: timeout)
    }

    /// Sends a request and reads the JSON of a 2xx answer.
    ///
    /// - Throws: `DownstreamError`, or `CancellationError`.
    func call<Answer: Decodable>(
        _ service: ServiceName,
        _ path: RequestPath,
        _ answer: Answer.Type = Answer.self
    ) async throws -> Answer {
        try await call(service, path, body: nil as Never?, answer)
    }

    /// Sends a request with a JSON body and reads the JSON of a 2xx answer.
    ///
    /// - Throws: `DownstreamError`, or `CancellationError`.
    func call<Answer: Decodable>(
        _ service: ServiceName,
        _ path: RequestPath,
        body: (some Encodable)?,
        _ answer: Answer.Type = Answer.self
    ) async throws -> Answer {
        let body = try body.map { try JSON.bytes($0) } ?? []
        let span = tracer.startSpan(
            path.spanName,
            kind: .client,
            attributes: path.attributes(to: service, at: urls.base(of: service))
        )
        defer { span.end() }
        do {
            let response = try await exchange(service, path, body, span)
            return try Self.read(response, of: service, as: answer)
        } catch {
            span.fail(error)
            throw error
        }
    }

    /// Sends any request in a CLIENT span and returns the answer whatever its status: for the load generator, whose
    /// journeys are data.
    ///
    /// - Throws: `DownstreamError` when there is no answer; `CancellationError`.
    public func send(
        _ service: ServiceName,
        _ path: RequestPath,
        body: [UInt8]
    ) async throws -> IncomingResponse {
        let span = tracer.startSpan(
            path.spanName,
            kind: .client,
            attributes: path.attributes(to: service, at: urls.base(of: service))
        )
        defer { span.end() }
        do {
            let response = try await exchange(service, path, body, span)
            if response.status.code >= 400 { span.fail("\(response.status.code)", "answered \(response.status.code)") }
            return response
        } catch {
            span.fail(error)
            throw error
        }
    }

    private func exchange(
        _ service: ServiceName,
        _ path: RequestPath,
        _ body: [UInt8],
        _ span: RecordedSpan
    ) async throws -> IncomingResponse {
        var request = OutgoingRequest(method: path.method, url: urls[service] + path.text, body: body, timeout: timeout)
        request.headers = path.headers
        request.headers[.accept] = "application/json"
        if !body.isEmpty { request.headers[.contentType] = "application/json" }
        propagateTraceContext(span.context, into: &request.headers)
        do {
            let response = try await transport.send(request)
            span.set("http.response.status_code", .int(response.status.code))
            span.set("network.protocol.version", .string(response.protocolVersion))
            return response
        } catch {
            if error.code == .cancelled { throw CancellationError() }
            let kind: DownstreamError.Kind =
                switch error.code {
                case .timeout: .timeout
                case .badResponse, .responseTooLarge: .badAnswer
                default: .unreachable
                }
            throw DownstreamError(service: service, kind: kind, detail: error.message)
        }
    }

    private static func read<Answer: Decodable>(
        _ response: IncomingResponse,
        of service: ServiceName,
        as type: Answer.Type
    ) throws -> Answer {
        let body = Data(response.body)
        guard (200..<300).contains(response.status.code) else {
            let error = try? JSON.decoder.decode(ErrorMessage.self, from: body)
            throw DownstreamError(
                service: service,
                kind: .status(response.status.code, code: error?.code),
                detail: "answered \(response.status.code)\(error.map { " \($0.code)" } ?? "")"
            )
        }
        do {
            return try JSON.decoder.decode(type, from: body)
        } catch {
            throw DownstreamError(
                service: service,
                kind: .badAnswer,
                detail: "answered what is not the JSON that was expected"
            )
        }
    }
}

extension RecordedSpan {
    fileprivate func fail(_ error: any Error) {
        switch (error as? DownstreamError)?.kind {
        case .timeout: fail("timeout", "\(error)")
        case .unreachable: fail("unreachable", "\(error)")
        case .badAnswer: fail("bad_answer", "\(error)")
        case .status(let status, _): fail("\(status)", "\(error)")
        case nil: fail(error is CancellationError ? "cancelled" : "failed", "\(error)")
        }
    }
}
