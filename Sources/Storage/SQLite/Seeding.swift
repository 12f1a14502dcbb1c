import Commerce
import Fixtures
import GRDB
import Storage

/// Puts the seed data into an empty database, once.
enum Seeding {
    /// Plants what is not there and returns the shop's edge id.
    static func plant(in writer: DatabaseQueue, now: Int64) throws -> String {
        try writer.write { db in
            if let edgeID = try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'edge_id'") {
                return edgeID
            }
            let products = try SeedData.products()
            try plant(products, in: db)
            for order in try SeedData.orders() { try plant(order, of: products, in: db, now: now) }
            let edgeID = try String.fetchOne(db, sql: "SELECT lower(hex(randomblob(16)))") ?? ""
            try db.execute(sql: "INSERT INTO settings (name, value) VALUES ('edge_id', ?)", arguments: [edgeID])
            return edgeID
        }
    }

    private static func plant(_ products: [SeedData.SeedProduct], in db: Database) throws {
        for seed in products {
            let product = seed.product
            try db.execute(
                sql: """
                    INSERT INTO products
                        (id, name, category, price_minor, stock_quantity, seeded_stock, description)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    product.id.rawValue, product.name, product.category, product.price.minorUnits,
                    product.stockQuantity, seed.seededStock, product.description,
                ]
            )
        }
    }

    private static func plant(
        _ seed: SeedData.SeedOrder,
        of products: [SeedData.SeedProduct],
        in db: Database,
        now: Int64
    ) throws {
        guard let product = products.first(where: { $0.product.id == seed.productID })?.product else {
            throw FixtureError(file: "orders.json", problem: "product \(seed.productID.rawValue) is not in the catalog")
        }
        let total = try product.price.times(seed.quantity)
        let order = Order(
            id: seed.id,
            userID: seed.userID,
            status: .accepted,
            items: [
                Order.Item(
                    productID: product.id,
                    productName: product.name,
                    quantity: seed.quantity,
                    unitPrice: product.price,
                    lineTotal: total
                )
            ],
            subtotal: total,
            shipping: .zero(.usd),
            total: total,
            paymentStatus: "authorized",
            date: now - Int64(seed.ageHours) * 3_600_000,
            edgeID: nil,
            traceParent: nil
        )
        try OrderRows.insert(order, into: db, trace: .none)
    }
}
