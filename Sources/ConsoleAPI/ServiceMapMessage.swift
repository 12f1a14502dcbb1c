// The property names are the JSON names, as the contract writes them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import TelemetryBuffer

/// `GET /api/service-map`.
public struct ServiceMapMessage: Codable, Hashable, Sendable {
    /// A service or a database.
    public struct Node: Codable, Hashable, Sendable {
        public let name: String
        /// `service` or `database`.
        public let type: String
        public let requests: Int
        public let errors: Int
        public let p95_ms: Double
    }

    /// Calls from one to another.
    public struct Edge: Codable, Hashable, Sendable {
        public let from: String
        public let to: String
        public let requests: Int
        public let errors: Int
        /// As the caller saw it.
        public let p95_ms: Double
    }

    public let nodes: [Node]
    public let edges: [Edge]

    public init(_ map: ServiceMap) {
        nodes = map.nodes.map {
            Node(
                name: $0.name,
                type: $0.type.rawValue,
                requests: $0.requests,
                errors: $0.errors,
                p95_ms: $0.p95Milliseconds
            )
        }
        edges = map.edges.map {
            Edge(from: $0.from, to: $0.to, requests: $0.requests, errors: $0.errors, p95_ms: $0.p95Milliseconds)
        }
    }
}

/// `POST /api/network`.
public struct NetworkRequest: Codable, Hashable, Sendable {
    /// False pulls the plug on the uplink.
    public let online: Bool

    public init(online: Bool) {
        self.online = online
    }
}
