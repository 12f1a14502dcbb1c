// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Commerce
import ServiceTracing
import ShopAPI
public import Storage
public import TelemetryBuffer

/// `GET /api/pushes`: what the upstreams have answered, the latest first.
public struct PushListMessage: Codable, Hashable, Sendable {
    /// An order that was answered.
    public struct Order: Codable, Hashable, Sendable {
        public let order_id: String
        /// `accepted`, `backordered`, `rejected` or `quarantined`.
        public let outcome: String
        /// Why, where that needs a word.
        public let reason: String?
        /// ISO 8601, UTC.
        public let settled_at: String
        /// ISO 8601, UTC; null, as all that follows, where it is not known.
        public let order_date: String?
        public let total: Double?
        public let currency: String?
        public let purchase_trace_id: String?
        public let push_trace_id: String?
        public let push_span_id: String?

        public init(_ order: SettledOrder) {
            let push = order.pushTraceParent.flatMap { SpanContext(traceParent: $0) }
            order_id = order.id.description
            outcome = order.outcome.name
            reason = order.outcome.reason
            settled_at = Timestamp.text(order.settledAt)
            order_date = order.date.map(Timestamp.text)
            total = order.total?.majorUnits
            currency = order.total?.currency.rawValue
            purchase_trace_id = order.purchaseTraceParent.flatMap { SpanContext(traceParent: $0) }?.traceID.description
            push_trace_id = push?.traceID.description
            push_span_id = push?.spanID.description
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(order_id, forKey: .order_id)
            try container.encode(outcome, forKey: .outcome)
            try container.encode(reason, forKey: .reason)
            try container.encode(settled_at, forKey: .settled_at)
            try container.encode(order_date, forKey: .order_date)
            try container.encode(total, forKey: .total)
            try container.encode(currency, forKey: .currency)
            try container.encode(purchase_trace_id, forKey: .purchase_trace_id)
            try container.encode(push_trace_id, forKey: .push_trace_id)
            try container.encode(push_span_id, forKey: .push_span_id)
        }
    }

    /// Spans that were lost for one reason.
    public struct Loss: Codable, Hashable, Sendable {
        /// `rejected`, `expired` or `quarantined`.
        public let outcome: String
        public let count: Int
        public let reason: String
        /// The latest; RFC 3339.
        public let at: String

        public init(_ loss: SpanLoss) {
            outcome = loss.kind.rawValue
            count = loss.count
            reason = loss.reason
            at = RFC3339.text(loss.time)
        }
    }

    public let orders: [Order]
    public let spans: [Loss]

    public init(orders: [SettledOrder], spans: [SpanLoss]) {
        self.orders = orders.map(Order.init)
        self.spans = spans.map(Loss.init)
    }
}

/// `GET /api/traces/{trace_id}/delivery`: how many of a trace's spans are where.
public struct DeliveryMessage: Codable, Hashable, Sendable {
    public let pending: Int
    public let sent: Int
    public let expired: Int
    public let quarantined: Int
    /// Where the upstream shows the trace; null while it has none of it, or where that is not known.
    public let url: String?

    public init(_ delivery: TraceDelivery, url: String?) {
        pending = delivery.pending
        sent = delivery.answered
        expired = delivery.expired
        quarantined = delivery.quarantined
        self.url = delivery.answered > 0 ? url : nil
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(pending, forKey: .pending)
        try container.encode(sent, forKey: .sent)
        try container.encode(expired, forKey: .expired)
        try container.encode(quarantined, forKey: .quarantined)
        try container.encode(url, forKey: .url)
    }
}
