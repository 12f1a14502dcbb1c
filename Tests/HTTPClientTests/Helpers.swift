import HTTPClient
import HTTPTypes
import Testing

/// The code a request fails with; an answer is recorded as an issue.
func failure(
    of client: CurlClient,
    sending request: OutgoingRequest,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> HTTPTransportError? {
    do throws(HTTPTransportError) {
        let response = try await client.send(request)
        Issue.record("answered \(response.status)", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error
    }
}

/// A name that is known to be one.
func fieldName(_ text: String) throws -> HTTPField.Name {
    try #require(HTTPField.Name(text))
}
