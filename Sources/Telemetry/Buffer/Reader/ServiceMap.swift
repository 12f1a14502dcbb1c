/// Who called whom, and how that went.
public struct ServiceMap: Hashable, Sendable {
    public enum NodeType: String, Hashable, Sendable {
        case service
        case database
    }

    public struct Node: Hashable, Sendable {
        public let name: String
        public let type: NodeType
        public let requests: Int
        public let errors: Int
        /// The 95th percentile of the durations, by nearest rank, in milliseconds; 0 without requests.
        public let p95Milliseconds: Double
    }

    public struct Edge: Hashable, Sendable {
        public let from: String
        public let to: String
        public let requests: Int
        public let errors: Int
        /// As the caller saw it.
        public let p95Milliseconds: Double
    }

    /// By type and name.
    public internal(set) var nodes: [Node] = []
    /// By caller and called.
    public internal(set) var edges: [Edge] = []
}
