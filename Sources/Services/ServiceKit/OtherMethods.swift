import HTTPTypes
import Hummingbird

/// 405 for a path that is known and asked with a method that nobody has thought of, such as `PROPFIND`: to Hummingbird a
/// path without a route for the method is a path that is not there.
///
/// Only what no route answers comes here.
struct OtherMethods: RouterMiddleware {
    private let paths: [(steps: [Substring], allow: String)]

    /// - Parameter known: The methods of each path.
    init(_ known: [String: [HTTPRequest.Method]]) {
        paths = known.map { ($0.key.split(separator: "/"), Self.allow($0.value)) }
    }

    func handle(
        _ request: Request,
        context: ShopRequestContext,
        next: @concurrent (Request, ShopRequestContext) async throws -> Response
    ) async throws -> Response {
        let steps = request.uri.path.split(separator: "/")
        // Of two that fit, the one that names more is meant: `/orders/popular-products` and not `/orders/{order_id}`.
        let fitting = paths.filter { Self.fits(steps, $0.steps) }.min { Self.names($0.steps) < Self.names($1.steps) }
        if let fitting { throw Self.refusal(fitting.allow) }
        return try await next(request, context)
    }

    /// 405 (RFC 9110, section 15.5.6).
    static func refusal(_ allow: String) -> ServiceError {
        ServiceError(
            .methodNotAllowed,
            "method_not_allowed",
            "This path answers \(allow) only.",
            headers: [.allow: allow]
        )
    }

    static func allow(_ methods: [HTTPRequest.Method]) -> String { methods.map(\.rawValue).joined(separator: ", ") }

    private static func fits(_ steps: [Substring], _ path: [Substring]) -> Bool {
        steps.count == path.count && zip(steps, path).allSatisfy { $1.hasPrefix("{") || $0 == $1 }
    }

    /// How many steps of a path may be anything.
    private static func names(_ path: [Substring]) -> Int { path.count { $0.hasPrefix("{") } }
}
