public import HTTPTypes
public import ShopAPI

/// What one kind of shopper does, with `{name}` where a value is drawn.
struct Journey: Sendable {
    enum Part: Sendable {
        case step(Step)
        /// The steps as often as the choice says, each time but the first with other values for some names.
        case repeated(choice: String, anew: [String], steps: [Step])
    }

    struct Step: Sendable {
        let service: ServiceName
        let method: HTTPRequest.Method
        /// Such as `/products/{product_id}`.
        let path: String
        let query: [(name: String, template: String)]
        let body: JSONValue?
        /// How long the shopper thinks before it.
        let think: Duration
    }

    let name: String
    let parts: [Part]
}

/// A journey with every value drawn: what one arrival does.
public struct PlannedJourney: Hashable, Sendable {
    /// A value and the choice it was drawn from.
    public struct Draw: Hashable, Sendable {
        public let name: String
        public let value: JSONValue
    }

    /// One request.
    public struct Step: Hashable, Sendable {
        public let service: ServiceName
        public let method: HTTPRequest.Method
        /// The path's template, such as `/products/{product_id}`.
        public let template: String
        public let values: [String: String]
        public let query: [Draw]
        public let body: JSONValue?
        /// How long the shopper thinks before it.
        public let think: Duration
    }

    public let name: String
    /// The number of the arrival within its traffic, from 0.
    public let arrival: Int
    public let sessionID: String
    public let userID: String
    public let cartID: String
    /// In the order they were drawn.
    public let draws: [Draw]
    public let steps: [Step]
}

extension PlannedJourney.Step {
    /// Whether this is where the shopper pays.
    var isCheckout: Bool { service == .checkout && method == .post && template == "/checkout" }

    var request: RequestPath {
        RequestPath(method, template, values, query: query.map { ($0.name, $0.value.text) })
    }
}

extension JSONValue {
    /// As a part of a path or query.
    var text: String {
        switch self {
        case .null: ""
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        case .array, .object: ""
        }
    }
}
