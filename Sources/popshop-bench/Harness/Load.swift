import HTTPClient
import HTTPTypes
import Synchronization

/// Closed-loop load by our own client, where what is sent depends on how many were answered; `Wrk` costs less.
struct Load: Sendable {
    /// When it has been enough.
    enum Extent: Sendable {
        case duration(Duration)
        case requests(Int)
    }

    let client: CurlClient
    /// Makes the request of a number, which grows from run to run.
    let request: @Sendable (Int) -> OutgoingRequest
    private static let connections = 32
    private let numbers = Counter()

    init(_ client: CurlClient, _ request: @escaping @Sendable (Int) -> OutgoingRequest) {
        self.client = client
        self.request = request
    }

    /// - Returns: Answers a second.
    /// - Throws: `Failure` when an answer is not 2xx: a refusal is quickly given and would only flatter.
    func rate(_ extent: Extent) async throws -> Double {
        let begun = ContinuousClock.now
        let first = numbers.value
        try await withThrowingTaskGroup { group in
            for _ in 0..<Self.connections {
                group.addTask { try await drive(extent, from: first, since: begun) }
            }
            try await group.waitForAll()
        }
        let answered = numbers.value - first
        return Double(answered) / (ContinuousClock.now - begun).seconds
    }

    private func drive(_ extent: Extent, from first: Int, since begun: ContinuousClock.Instant) async throws {
        while let number = numbers.next(while: { isDue($0, extent, first, begun) }) {
            let answer = try await client.send(request(number))
            guard (200..<300).contains(answer.status.code) else {
                let text = String(decoding: answer.body.prefix(300), as: UTF8.self)
                throw Failure("Under load an answer was \(answer.status.code): \(text)")
            }
        }
    }

    private func isDue(_ number: Int, _ extent: Extent, _ first: Int, _ begun: ContinuousClock.Instant) -> Bool {
        switch extent {
        case .duration(let duration): ContinuousClock.now - begun < duration
        case .requests(let count): number < first + count
        }
    }
}

/// Numbers for requests, shared by connections.
private final class Counter: Sendable {
    private let state = Mutex(0)

    /// How many were given out.
    var value: Int { state.withLock { $0 } }

    func next(while isDue: (Int) -> Bool) -> Int? {
        state.withLock { next in
            guard isDue(next) else { return nil }
            defer { next += 1 }
            return next
        }
    }
}

extension OutgoingRequest {
    /// Of JSON.
    static func post(_ url: String, _ body: String) -> OutgoingRequest {
        OutgoingRequest(method: .post, url: url, headers: [.contentType: "application/json"], body: Array(body.utf8))
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
