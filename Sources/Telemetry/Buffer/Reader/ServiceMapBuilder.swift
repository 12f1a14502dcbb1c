/// What the map needs to know of a span.
struct MapSpan {
    let trace: DataBytes
    let span: DataBytes
    let parent: DataBytes?
    let service: String
    let kind: SpanKindCode
    let isError: Bool
    /// Nanoseconds since 1970, UTC.
    let start: Int64
    /// Nanoseconds.
    let duration: Int64
    let databaseSystem: String?
}

/// Draws the map: a service's requests are its SERVER spans and the roots it starts itself (the load generator's), a
/// database's are the CLIENT spans that name it, and a call is a CLIENT span with the SERVER span below it.
struct ServiceMapBuilder {
    /// No more spans than this are looked at.
    static let limit = 100_000

    private struct Key: Hashable {
        let trace: [UInt8]
        let span: [UInt8]
    }

    private struct Pair: Hashable {
        let from: String
        let to: String
    }

    private struct NodeKey: Hashable {
        let name: String
        let type: ServiceMap.NodeType
    }

    private struct Tally {
        var durations: [Int64] = []
        var errors = 0

        mutating func add(_ span: MapSpan) {
            durations.append(span.duration)
            errors += span.isError ? 1 : 0
        }

        var p95Milliseconds: Double {
            guard !durations.isEmpty else { return 0 }
            let rank = (durations.count * 95 + 99) / 100
            return Double(durations.sorted()[rank - 1]) / 1e6
        }
    }

    private var seen = 0
    private var nodes: [NodeKey: Tally] = [:]
    private var databaseEdges: [Pair: Tally] = [:]
    private var clients: [Key: MapSpan] = [:]
    private var servers: [(parent: Key, service: String)] = []

    var room: Int { Self.limit - seen }
    var isFull: Bool { room <= 0 }

    mutating func add(_ span: MapSpan) {
        seen += 1
        switch span.kind {
        case .server:
            node(span.service, .service, span)
            if let parent = span.parent {
                servers.append((Key(trace: span.trace.bytes, span: parent.bytes), span.service))
            }
        case .client:
            if span.parent == nil { node(span.service, .service, span) }
            if let system = span.databaseSystem {
                node(system, .database, span)
                databaseEdges[Pair(from: span.service, to: system), default: Tally()].add(span)
            } else {
                clients[Key(trace: span.trace.bytes, span: span.span.bytes)] = span
            }
        case .internal, .producer, .consumer:
            if span.parent == nil { node(span.service, .service, span) }
        }
    }

    func map() -> ServiceMap {
        var edges = databaseEdges
        var nodes = nodes
        for (parent, service) in servers {
            guard let client = clients[parent] else { continue }
            edges[Pair(from: client.service, to: service), default: Tally()].add(client)
        }
        for pair in edges.keys where nodes[NodeKey(name: pair.from, type: .service)] == nil {
            nodes[NodeKey(name: pair.from, type: .service)] = Tally()
        }
        return ServiceMap(nodes: Self.nodes(nodes), edges: Self.edges(edges))
    }

    private mutating func node(_ name: String, _ type: ServiceMap.NodeType, _ span: MapSpan) {
        nodes[NodeKey(name: name, type: type), default: Tally()].add(span)
    }

    private static func nodes(_ tallies: [NodeKey: Tally]) -> [ServiceMap.Node] {
        tallies.map { key, tally in
            ServiceMap.Node(
                name: key.name,
                type: key.type,
                requests: tally.durations.count,
                errors: tally.errors,
                p95Milliseconds: tally.p95Milliseconds
            )
        }.sorted { ($1.type.rawValue, $0.name) < ($0.type.rawValue, $1.name) }
    }

    private static func edges(_ tallies: [Pair: Tally]) -> [ServiceMap.Edge] {
        tallies.map { pair, tally in
            ServiceMap.Edge(
                from: pair.from,
                to: pair.to,
                requests: tally.durations.count,
                errors: tally.errors,
                p95Milliseconds: tally.p95Milliseconds
            )
        }.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    }
}
