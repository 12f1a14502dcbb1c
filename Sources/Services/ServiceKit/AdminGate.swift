import HTTPTypes
import Hummingbird

/// Lets through what changes the demo's state only with the admin token, where there is one.
public struct AdminGate: Sendable, CustomReflectable {
    private let token: [UInt8]?

    /// Without the token.
    public var customMirror: Mirror { Mirror(self, children: ["isOpen": token == nil]) }

    /// - Parameter token: Nil lets everything through: for a shop that only listens on loopback.
    public init(token: String?) {
        self.token = token.map { Array($0.utf8) }
    }

    /// - Throws: `ServiceError` 401 without the right `Authorization: Bearer …`.
    func check(_ request: Request) throws(ServiceError) {
        guard let token else { return }
        let given = request.headers[.authorization].flatMap { header -> [UInt8]? in
            header.lowercased().hasPrefix("bearer ") ? Array(header.dropFirst("bearer ".count).utf8) : nil
        }
        guard let given, Self.isEqual(given, token) else {
            throw ServiceError(
                .unauthorized,
                "unauthorized",
                "This changes the demo's state and needs the admin token.",
                headers: [.wwwAuthenticate: "Bearer realm=\"popshop\""]
            )
        }
    }

    /// In a time that depends on the lengths only, so that a wrong token tells nothing about the right one.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = UInt8(left.count == right.count ? 0 : 1)
        for (index, byte) in right.enumerated() { difference |= byte ^ (index < left.count ? left[index] : 0) }
        return difference == 0
    }
}
