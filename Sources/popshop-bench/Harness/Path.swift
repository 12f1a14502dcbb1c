/// Paths and bodies of requests, as Lua expressions of a request's number `n`.
enum Path {
    static let product = "'/products/' .. n % 21 + 1"
    static let category =
        "'/products?category=' .. ({'electronics', 'furniture', 'appliances', 'sports', 'kitchen'})[n % 5 + 1]"
    static let order = "'/orders/create'"
    static let orderBody = #"string.format('{"user_id":"bench-%d","product_id":%d}', n % 100, n % 21 + 1)"#
    static let add = "string.format('/cart/bench-%d/add', n / 10)"
    static let addBody = #"string.format('{"product_id":%d}', n % 21 + 1)"#
    /// Name and price are given.
    static let wholeAddBody =
        #"string.format('{"product_id":%d,"product_name":"Product","price":9.99}', n % 21 + 1)"#
}
