import Commerce
import HTTPTypes
import ShopAPI
import Storage

/// The `Idempotency-Key` header: a client's own name for one purchase.
enum IdempotencyHeader {
    private static let name = HTTPField.Name("Idempotency-Key")

    /// Nil when there is none.
    ///
    /// - Throws: `InputError` for a key of no fitting length.
    static func read(_ headers: HTTPFields) throws(InputError) -> String? {
        guard let name, let key = headers[name] else { return nil }
        // Bytes that are no UTF-8 are read as this character, and two keys would be one.
        guard ClientName.isValid(key), !key.unicodeScalars.contains("\u{FFFD}") else {
            throw InputError(
                .outOfRange,
                "out_of_range",
                "Idempotency-Key must be 1 to 128 bytes of UTF-8 text without control characters."
            )
        }
        return key
    }
}

extension IdempotencyKey {
    /// With what the request means, so that the same purchase written in another order of fields is still the same.
    init(_ key: String, _ request: CheckoutRequest) {
        let parts = [
            request.cart_id, request.user_id, request.currency.rawValue, request.shipping_method.rawValue,
            request.destination.rawValue,
        ]
        self.init(key: key, fingerprint: parts.map { "\($0.utf8.count):\($0)" }.joined())
    }
}
