import FoundationEssentials
import HTTPClient
import HTTPTypes
import Shop
import ShopAPI

/// The shop that runs on a data directory, asked through its console.
struct RunningShop: Sendable {
    private let console: String
    private let token: String?
    private let transport: CurlClient

    /// Lends the shop to the body.
    ///
    /// - Parameter console: Its URL, from the data directory's lock file.
    /// - Throws: `Refusal`, or what the body throws.
    static func attach(
        to console: String,
        token: String?,
        _ body: (RunningShop) async throws -> Void
    ) async throws {
        let transport = try CurlClient()
        do {
            try await body(RunningShop(console: console, token: token, transport: transport))
        } catch {
            await transport.shutDown()
            throw error
        }
        await transport.shutDown()
    }

    /// - Throws: `Refusal` when there is no answer, or none that is wanted.
    func get<Message: Decodable>(_ path: String, _ type: Message.Type = Message.self) async throws -> Message {
        try await ask(.get, path, [])
    }

    /// - Throws: `Refusal`: 64 for what the shop takes for a bad value, 78 without the right admin token, 75 for everything
    ///   else.
    func post<Message: Decodable>(
        _ path: String,
        _ body: [UInt8] = [],
        _ type: Message.Type = Message.self
    ) async throws -> Message {
        try await ask(.post, path, body)
    }

    private func ask<Message: Decodable>(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8]
    ) async throws -> Message {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let token { headers[.authorization] = "Bearer \(token)" }
        let answer: IncomingResponse
        do {
            answer = try await transport.send(
                OutgoingRequest(method: method, url: console + path, headers: headers, body: body, timeout: .seconds(5))
            )
        } catch {
            throw Refusal(.temporary, "The shop that runs on this data directory does not answer: \(error.message)")
        }
        guard answer.status != .unauthorized else {
            throw Refusal(
                .configuration,
                token == nil
                    ? "The shop that runs on this data directory wants its admin token in POPSHOP_ADMIN_TOKEN."
                    : "The token in POPSHOP_ADMIN_TOKEN is not that of the shop that runs on this data directory."
            )
        }
        guard answer.status == .ok else { throw Self.refusal(answer) }
        return try JSON.decoder.decode(Message.self, from: Data(answer.body))
    }

    private static func refusal(_ answer: IncomingResponse) -> Refusal {
        let isBadValue = [400, 422].contains(answer.status.code)
        guard let error = try? JSON.decoder.decode(ErrorMessage.self, from: Data(answer.body)) else {
            return Refusal(
                .temporary,
                "The shop that runs on this data directory answers HTTP \(answer.status.code)."
            )
        }
        return Refusal(isBadValue ? .usage : .temporary, error.error)
    }
}
