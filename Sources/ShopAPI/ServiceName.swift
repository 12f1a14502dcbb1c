/// The services, by the names that traces, URLs and commands know them by.
public enum ServiceName: String, CaseIterable, Codable, Hashable, Sendable {
    case loadGenerator = "load-generator"
    case recommendation
    case cart
    case productCatalog = "product-catalog"
    case checkout
    case ad
    case currency
    case shipping
    case console

    /// Where it listens, before any offset.
    public var port: Int {
        switch self {
        case .loadGenerator: 8010
        case .recommendation: 8011
        case .cart: 8013
        case .productCatalog: 8014
        case .checkout: 8016
        case .ad: 8017
        case .currency: 8018
        case .shipping: 8019
        case .console: 8000
        }
    }

    /// The environment variable with its URL; nil where no other service calls it.
    public var urlVariable: String? {
        switch self {
        case .loadGenerator: "LOAD_GENERATOR_URL"
        case .recommendation: "RECOMMENDATION_URL"
        case .cart: "CART_URL"
        case .productCatalog: "PRODUCT_CATALOG_URL"
        case .checkout: "CHECKOUT_URL"
        case .ad: "AD_URL"
        case .currency: "CURRENCY_URL"
        case .shipping: "SHIPPING_URL"
        case .console: nil
        }
    }
}

/// Where each service is reached, without a slash at the end.
public struct ServiceURLs: Hashable, Sendable {
    private struct Entry: Hashable, Sendable {
        let url: String
        /// Taken apart once, and not for every call's span: that was 1 % of what a service that calls another does.
        let base: BaseURL

        init(_ url: String) {
            self.url = url
            base = BaseURL(url)
        }
    }

    private var entries: [ServiceName: Entry]

    /// Every service on one host, each on its own port plus the offset.
    public init(host: String = "127.0.0.1", portOffset: Int = 0) {
        let host = host.contains(":") ? "[\(host)]" : host
        entries = Dictionary(
            uniqueKeysWithValues: ServiceName.allCases.map { ($0, Entry("http://\(host):\($0.port + portOffset)")) }
        )
    }

    /// The URL of a service.
    public subscript(service: ServiceName) -> String {
        get { entries[service]?.url ?? "" }
        set { entries[service] = Entry(newValue.hasSuffix("/") ? String(newValue.dropLast()) : newValue) }
    }

    /// What a span may show of a service's URL.
    func base(of service: ServiceName) -> BaseURL { entries[service]?.base ?? BaseURL("") }
}
