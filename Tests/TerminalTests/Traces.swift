import OTLP
import ServiceTracing
import Tracing

@testable import Terminal

/// 2026-11-22 20:03:11.123 UTC.
let noon: UInt64 = 1_795_377_791_123_000_000
let millisecond: UInt64 = 1_000_000

/// Builds spans by way of OTLP, as they come out of the buffer.
struct TraceMaker {
    private(set) var spans: [WaterfallSpan] = []
    private var next: UInt64 = 1
    let trace = TraceID(high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c)

    /// - Parameters:
    ///   - at: Milliseconds after noon; may be before it.
    ///   - parent: Any id, also one that is not there.
    @discardableResult
    mutating func add(
        _ service: String,
        _ name: String,
        at: Double,
        for milliseconds: Double,
        parent: UInt64? = nil,
        id: UInt64? = nil,
        attributes: Attributes = [:],
        events: [(String, Double, Attributes)] = [],
        links: [Link] = [],
        outcome: SpanOutcome = .unset
    ) throws -> UInt64 {
        let number = id ?? next
        next += 1
        guard let trace, let span = SpanID(number) else { return 0 }
        let start = moment(at)
        let data = SpanData(
            name: name,
            kind: attributes["db.query.text"] == nil ? .server : .client,
            context: SpanContext(traceID: trace, spanID: span),
            parentSpanID: parent.flatMap { SpanID($0) },
            startTime: start,
            endTime: start + UInt64(milliseconds * 1e6),
            attributes: attributes,
            events: events.map { Event(name: $0.0, time: moment($0.1), attributes: $0.2) },
            links: links,
            outcome: outcome,
            resource: Resource(attributes: ["service.name": .string(service)])
        )
        spans.append(WaterfallSpan(service: service, try DecodedSpan(otlp: OTLPEncoder.span(data))))
        return number
    }

    private func moment(_ milliseconds: Double) -> UInt64 {
        UInt64(Int64(noon) + Int64((milliseconds * 1e6).rounded()))
    }

    /// A checkout that takes long and fails: as a presenter shows it.
    static func checkout() throws -> TraceMaker {
        var make = TraceMaker()
        let journey = try make.add("load-generator", "journey checkout", at: 0, for: 3241.7)
        let browse = try make.add("load-generator", "GET /products", at: 1.2, for: 14.1, parent: journey)
        let list = try make.add("product-catalog", "GET /products", at: 2.1, for: 12.3, parent: browse)
        try make.add(
            "product-catalog",
            "SELECT products",
            at: 3,
            for: 0.85,
            parent: list,
            attributes: [
                "db.query.text":
                    "SELECT id, name, category, price, description, stock_quantity FROM products WHERE (?1 IS NULL OR category = ?1) ORDER BY price, id LIMIT ?2"
            ]
        )
        let add = try make.add("load-generator", "POST /cart/{cart_id}/add", at: 20, for: 9.5, parent: journey)
        let cart = try make.add("cart", "POST /cart/{cart_id}/add", at: 21, for: 8.1, parent: add)
        try make.add("cart", "GET /products/{id}", at: 21.5, for: 5.1, parent: cart)
        let call = try make.add(
            "load-generator",
            "POST /checkout",
            at: 35,
            for: 3201,
            parent: journey,
            outcome: .error("checkout answered 402")
        )
        let checkout = try make.add(
            "checkout",
            "POST /checkout",
            at: 36,
            for: 3198,
            parent: call,
            attributes: ["error.type": "payment_declined"],
            events: [("checkout.started", 36.5, [:]), ("restock", 2600, ["product_id": 1, "quantity": 50])],
            outcome: .error("The payment provider declined the card.")
        )
        let read = try make.add("checkout", "GET /cart/{cart_id}", at: 37, for: 6.2, parent: checkout)
        try make.add("cart", "GET /cart/{cart_id}", at: 38, for: 4.4, parent: read)
        try make.add(
            "checkout",
            "INSERT orders",
            at: 60,
            for: 2501,
            parent: checkout,
            attributes: [
                "db.query.text": "INSERT INTO orders (id, user_id, status, currency) VALUES (?, ?, ?, ?)"
            ]
        )
        let link = SpanContext(traceParent: "00-12345678901234567890123456789012-1234567890123456-01")
        try make.add(
            "checkout",
            "POST /payments/authorize",
            at: 2600,
            for: 420,
            parent: checkout,
            links: [link].compactMap { $0 }.map { Link(context: $0) },
            outcome: .error("payment_declined")
        )
        return make
    }
}

/// The text without colours.
func bare(_ text: String) -> String {
    var result = ""
    var inEscape = false
    for scalar in text.unicodeScalars {
        if inEscape {
            inEscape = scalar != "m"
        } else if scalar == "\u{1b}" {
            inEscape = true
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}

let plain = TerminalStyle(width: 100, colours: false, unicode: true)

func show(_ make: TraceMaker, _ style: TerminalStyle = plain, isVerbose: Bool = false) -> String {
    Waterfall.render(make.spans, style: style, isVerbose: isVerbose, clock: .utc)
}
