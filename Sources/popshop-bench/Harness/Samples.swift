import ServiceTracing
import Tracing

/// Spans like those of the shop.
enum Samples {
    static let resource = Resource(attributes: [
        "service.name": "product-catalog", "service.version": "1.0.0", "host.name": "bench",
    ])

    static let attributes: Attributes = [
        "http.request.method": "GET",
        "url.path": "/products/17",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.route": "/products/{id}",
        "server.address": "127.0.0.1",
        "server.port": 8014,
        "client.address": "127.0.0.1",
        "user_agent.original": "PopShop",
        "http.response.status_code": 200,
    ]

    private static let spansOfATrace = 8

    /// Spans of whole traces, a tenth of a millisecond apart.
    ///
    /// - Parameter start: Of the first, in nanoseconds since 1970.
    static func spans(_ count: Int, startingAt start: UInt64 = 1_700_000_000_000_000_000, seed: UInt64 = 1)
        -> [SpanData]
    {
        let ids = IDGenerator(seed: seed)
        var root = SpanContext(traceID: ids.traceID(), spanID: ids.spanID())
        return (0..<count).map { number in
            let isRoot = number % spansOfATrace == 0
            let context = SpanContext(traceID: isRoot ? ids.traceID() : root.traceID, spanID: ids.spanID())
            let began = start + UInt64(number) * 100_000
            var attributes = attributes
            attributes["url.path"] = .string("/products/\(number % 21 + 1)")
            let span = SpanData(
                name: "GET /products/{id}",
                kind: isRoot ? .server : .internal,
                context: context,
                parentSpanID: isRoot ? nil : root.spanID,
                startTime: began,
                endTime: began + 1_000_000 + UInt64(number % 1_000) * 977,
                attributes: attributes,
                resource: resource
            )
            if isRoot { root = context }
            return span
        }
    }
}
