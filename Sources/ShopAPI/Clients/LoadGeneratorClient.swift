public import HTTPClient
import HTTPTypes

/// The load generator, as the console sees it.
public struct LoadGeneratorClient: Sendable {
    private let caller: ServiceCaller
    private let token: String?

    /// - Parameter token: The admin token, where there is one: whoever changes something has shown it to the console.
    public init(_ caller: ServiceCaller, token: String?) {
        self.caller = caller
        self.token = token
    }

    /// What can be played, and what is.
    ///
    /// - Throws: `DownstreamError`.
    public func scenarios() async throws -> ScenarioList {
        try await caller.call(.loadGenerator, RequestPath(.get, "/admin/scenarios"))
    }

    /// What is played.
    ///
    /// - Throws: `DownstreamError`.
    public func scenario() async throws -> ScenarioStatus {
        try await caller.call(.loadGenerator, RequestPath(.get, "/admin/demo-status"))
    }

    /// The traffic in the background.
    ///
    /// - Throws: `DownstreamError`.
    public func traffic() async throws -> TrafficRate {
        try await caller.call(.loadGenerator, RequestPath(.get, "/admin/traffic"))
    }

    /// Ends the scenario and gives the background traffic the rate it began with.
    ///
    /// - Throws: `DownstreamError`.
    public func reset() async throws -> ScenarioStatus {
        try await caller.call(.loadGenerator, command("/demo/reset"))
    }

    /// Passes on what changes something, and returns the answer whatever its status.
    ///
    /// - Throws: `DownstreamError` when there is no answer.
    public func post(_ path: String, _ body: [UInt8]) async throws -> IncomingResponse {
        try await caller.send(.loadGenerator, command(path), body: body)
    }

    private func command(_ path: String) -> RequestPath {
        var request = RequestPath(.post, path)
        if let token { request.headers[.authorization] = "Bearer \(token)" }
        return request
    }
}
