import Commerce
public import Storage

/// What every `CatalogStore` does, on the seed data.
public enum CatalogConformance {
    public static let suite = ConformanceSuite<any CatalogStore>([
        .init(name: "the 21 seeded products are there") { store in
            let products = try await store.products(matching: ProductQuery())
            try expectEqual(products.count, 21, "the number of products")
            let laptop = try some(try await store.product(ProductID(1)), "product 1")
            try expectEqual(laptop.name, "Laptop Pro 15\"", "its name")
            try expectEqual(laptop.category, "electronics", "its category")
            try expectEqual(laptop.price, Money(minorUnits: 129_999, currency: .usd), "its price")
            try expectEqual(laptop.stockQuantity, 50, "its stock")
            try expect(!laptop.description.isEmpty, "product 1 has a description")
            try expect(products.contains(laptop), "the list and the single product are the same")
        },
        .init(name: "products come by price, then by id") { store in
            let products = try await store.products(matching: ProductQuery())
            let keys = products.map { Key($0) }
            try expectEqual(keys, keys.sorted(), "the order")
            // Two at 89.99 across categories, and two at 29.99: equal prices do occur.
            try expect(Set(keys.map(\.price)).count < keys.count, "some prices are equal")
        },
        .init(name: "a category filters exactly") { store in
            let products = try await store.products(matching: ProductQuery(category: "electronics"))
            try expectEqual(products.map(\.id.rawValue), [3, 2, 4, 5, 1], "electronics")
            for other in ["Electronics", "electronic", "electronics ", "", "%", "nothing"] {
                let none = try await store.products(matching: ProductQuery(category: other))
                try expectEqual(none, [], "category \(other)")
            }
        },
        .init(name: "price limits include both ends") { store in
            let query = ProductQuery(minimumPrice: usd(29.99), maximumPrice: usd(34.99))
            try expectEqual(
                try await store.products(matching: query).map(\.id.rawValue),
                [2, 18, 15],
                "from 29.99 to 34.99"
            )
            let inside = ProductQuery(minimumPrice: usd(30), maximumPrice: usd(34.98))
            try expectEqual(try await store.products(matching: inside), [], "between two prices")
            let backwards = ProductQuery(minimumPrice: usd(100), maximumPrice: usd(50))
            try expectEqual(try await store.products(matching: backwards), [], "from 100 to 50")
            let both = ProductQuery(category: "sports", minimumPrice: usd(100), maximumPrice: usd(1000))
            try expectEqual(try await store.products(matching: both).map(\.id.rawValue), [14, 17], "sports over 100")
        },
        .init(name: "a limit cuts from the cheap end") { store in
            let all = try await store.products(matching: ProductQuery())
            for limit in [0, 1, 5, 21, 1000] {
                let some = try await store.products(matching: ProductQuery(limit: limit))
                try expectEqual(some, Array(all.prefix(limit)), "limit \(limit)")
            }
        },
        .init(name: "an unknown id has no product") { store in
            for id in [0, -1, 22, Int(Int32.max), Int.max, Int.min] {
                try expectEqual(try await store.product(ProductID(id)), nil, "product \(id)")
            }
        },
        .init(name: "search finds in names and descriptions, whatever the case") { store in
            let names = ["laptop", "LAPTOP", "LapTop", "ptop pr"]
            for text in names {
                let found = try await store.products(containing: text, limit: 100)
                try expect(found.contains { $0.id == ProductID(1) }, "\(text) finds the laptop")
            }
            let set = try await store.products(containing: "Set", limit: 100)
            try expect(set.contains { $0.name == "Dumbbell Set" }, "set finds the dumbbells")
            try expect(set.contains { $0.name == "Knife Set 15-Piece" }, "set finds the knives")
            try expectEqual(set.map { Key($0) }, set.map { Key($0) }.sorted(), "the order of what was found")
            try expectEqual(
                try await store.products(containing: "Set", limit: 2),
                Array(set.prefix(2)),
                "the first two found"
            )
            let mouse = try some(try await store.product(ProductID(2)), "product 2")
            let word = String(mouse.description.suffix(8))
            let described = try await store.products(containing: word.uppercased(), limit: 100)
            try expect(described.contains(mouse), "a description is searched too")
        },
        .init(name: "search never matches across name and description") { store in
            for product in try await store.products(matching: ProductQuery()) {
                for joint in ["", " ", "\n"] {
                    let text = product.name.suffix(5) + joint + product.description.prefix(5)
                    let found = try await store.products(containing: String(text), limit: 100)
                    try expect(
                        !found.contains(product),
                        "\(text) is in neither field of product \(product.id.rawValue)"
                    )
                }
            }
        },
        .init(name: "characters of patterns and of SQL are ordinary in a search") { store in
            for text in ["%", "_", "lap%", "l_ptop", "'", "' OR '1'='1", "\\", "--", "*", "[a-z]", "é", "商品", "🎧"] {
                let found = try await store.products(containing: text, limit: 100)
                let wanted = try await store.products(matching: ProductQuery()).filter {
                    $0.name.contains(text) || $0.description.contains(text)
                }
                try expectEqual(found, wanted, "what \(text) finds")
            }
            let quoted = try await store.products(containing: "15\"", limit: 100)
            try expectEqual(quoted.map(\.id.rawValue), [1], "what 15\" finds")
        },
        .init(name: "categories are counted, by name") { store in
            let wanted = [("appliances", 4), ("electronics", 5), ("furniture", 4), ("kitchen", 3), ("sports", 5)]
            try expectEqual(
                try await store.categories(),
                wanted.map { CategoryCount(name: $0.0, count: $0.1) },
                "the categories"
            )
        },
    ])

    private struct Key: Comparable {
        let price: Int64
        let id: Int

        init(_ product: Product) {
            price = product.price.minorUnits
            id = product.id.rawValue
        }

        static func < (left: Key, right: Key) -> Bool { (left.price, left.id) < (right.price, right.id) }
    }

    private static func usd(_ amount: Double) -> Money {
        Money(minorUnits: Int64((amount * 100).rounded()), currency: .usd)
    }
}
