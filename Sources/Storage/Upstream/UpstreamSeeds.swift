import Commerce
import Fixtures
import PostgresClient

/// The seed data, as the upstream has it.
enum UpstreamSeeds {
    /// Plants what is not there; what is there stays as it is.
    static func plant(_ connection: PostgresConnection, now: Int64) async throws {
        let products = try SeedData.products()
        _ = try await connection.pipeline(products.map(statement))
        for order in try SeedData.orders() {
            guard let product = products.first(where: { $0.product.id == order.productID })?.product else {
                throw FixtureError(
                    file: "orders.json",
                    problem: "product \(order.productID.rawValue) is not in the catalog"
                )
            }
            try await plant(order, of: product, connection, now)
        }
    }

    private static func statement(_ seed: SeedData.SeedProduct) -> PostgresStatement {
        let product = seed.product
        return PostgresStatement(
            """
            INSERT INTO products (id, name, category, price, stock_quantity, description)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING
            """,
            [
                .int(product.id.rawValue), .string(product.name), .string(product.category),
                .decimal(digits(product.price)), .int(seed.seededStock), .string(product.description),
            ]
        )
    }

    private static func plant(
        _ seed: SeedData.SeedOrder,
        of product: Product,
        _ connection: PostgresConnection,
        _ now: Int64
    ) async throws {
        let total = try product.price.times(seed.quantity)
        let date = PostgresTimestamp(milliseconds: now - Int64(seed.ageHours) * 3_600_000)
        let order = try await connection.execute(
            """
            INSERT INTO orders (id, user_id, status, currency, subtotal, shipping, total, order_date)
            VALUES ($1, $2, 'accepted', $3, $4, 0, $4, $5) ON CONFLICT (id) DO NOTHING
            """,
            [
                .uuid(seed.id.description), .string(seed.userID.rawValue), .string(total.currency.rawValue),
                .decimal(digits(total)), .timestamp(date),
            ]
        )
        guard order.affected == 1 else { return }
        try await connection.execute(
            "INSERT INTO order_items (order_id, product_id, quantity, unit_price) VALUES ($1, $2, $3, $4)",
            [
                .uuid(seed.id.description), .int(product.id.rawValue), .int(seed.quantity),
                .decimal(digits(product.price)),
            ]
        )
    }

    /// Such as `1299.99`.
    private static func digits(_ money: Money) -> String {
        String(money.description.prefix { $0 != " " })
    }
}
