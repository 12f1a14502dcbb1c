import Commerce
public import Faults
public import Storage

/// Stores whose reads can be slowed, and what their statements' spans have shown.
public struct SlowQuerySubject: Sendable {
    /// What a test looks at in a span.
    public struct Statement: Sendable {
        public let name: String
        public let milliseconds: Double
        public let isMarkedSlow: Bool
        public let rowsScanned: Int64?

        public init(name: String, milliseconds: Double, isMarkedSlow: Bool, rowsScanned: Int64?) {
            self.name = name
            self.milliseconds = milliseconds
            self.isMarkedSlow = isMarkedSlow
            self.rowsScanned = rowsScanned
        }
    }

    let catalog: any CatalogStore
    let orders: any OrderStore
    let table: any ScanTable
    let faults: ServiceFaults
    let statements: @Sendable () -> [Statement]

    /// - Parameters:
    ///   - faults: Of the service that the stores belong to.
    ///   - statements: All so far, in the order they ended.
    public init(
        catalog: any CatalogStore,
        orders: any OrderStore,
        table: any ScanTable,
        faults: ServiceFaults,
        statements: @escaping @Sendable () -> [Statement]
    ) {
        self.catalog = catalog
        self.orders = orders
        self.table = table
        self.faults = faults
        self.statements = statements
    }

    func slow(_ strength: Int, _ option: String = "sleep") {
        let setting = FaultSetting(
            .slowQueries,
            service: faults.service,
            strength: strength,
            option: option,
            setBy: .presenter
        )
        faults.live.update(DemoState(faults: FaultSet([setting])))
    }

    /// What every read that can be slowed answers.
    func answers() async throws -> [String] {
        var answers: [String] = []
        func note(_ answer: Any) { answers.append("\(answer)") }
        note(try await catalog.product(ProductID(4)) as Any)
        note(try await catalog.product(ProductID(4000)) as Any)
        note(try await catalog.products(matching: ProductQuery(limit: 100)))
        note(try await catalog.products(matching: ProductQuery(category: "sports", limit: 2)))
        note(try await catalog.products(containing: "a", limit: 100))
        note(try await catalog.categories())
        note(try await orders.popularProducts(limit: 5))
        let all = try await orders.orders(of: nil, limit: 100)
        note(all)
        note(try await orders.orders(of: all.first?.userID, limit: 3))
        if let id = all.first?.id { note(try await orders.order(id) as Any) }
        note(try await orders.order(forKey: IdempotencyKey(key: "none", fingerprint: "")) as Any)
        return answers
    }
}

/// What every engine does while queries are slow.
public enum SlowQueryConformance {
    public static let suite = ConformanceSuite<SlowQuerySubject>([
        .init(name: "the time is inside the statement, also of one that finds nothing") { subject in
            subject.slow(700)
            let found = try await subject.catalog.product(ProductID(1))
            try expectEqual(found?.id, ProductID(1), "the product")
            try expect(try await subject.catalog.product(ProductID(999)) == nil, "no product 999")
            let statements = subject.statements()
            try expectEqual(statements.map(\.name), ["SELECT products", "SELECT products"], "the statements")
            for statement in statements {
                try expect(statement.milliseconds >= 700, "700 ms inside \(statement)")
                try expect(statement.isMarkedSlow, "the mark on \(statement)")
            }
            let effect = try some(subject.faults.effects[.slowQueries], "effect")
            try expectEqual(effect.requests, 2, "the reads counted")
            try expect(effect.milliseconds >= 1400, "the time counted")
        },
        .init(name: "slowed or not, the answers are the same") { subject in
            let quick = try await subject.answers()
            subject.slow(1)
            try expectEqual(try await subject.answers(), quick, "what is read by sleeping statements")
            try await subject.table.resizeScanTable(to: 500)
            subject.slow(500, "scan")
            try expectEqual(try await subject.answers(), quick, "what is read by scanning statements")
            subject.faults.live.update(DemoState())
            try expectEqual(try await subject.answers(), quick, "what is read afterwards")
        },
        .init(name: "a scan reads a table that grows and shrinks as it is told") { subject in
            for rows in [45_000, 1000, 0] {
                try await subject.table.resizeScanTable(to: rows)
                subject.slow(max(1, rows), "scan")
                _ = try await subject.catalog.product(ProductID(1))
                let last = try some(subject.statements().last, "statement")
                try expectEqual(last.rowsScanned, Int64(rows), "the rows scanned")
                try expect(last.isMarkedSlow, "the mark")
            }
        },
        .init(name: "once it is off nothing is marked or counted any more") { subject in
            subject.slow(1)
            _ = try await subject.catalog.categories()
            subject.faults.live.update(DemoState())
            _ = try await subject.catalog.categories()
            try expectEqual(subject.statements().map(\.isMarkedSlow), [true, false], "the marks")
            try expectEqual(subject.faults.effects[.slowQueries]?.requests, 1, "the reads counted")
        },
        .init(name: "an order is slow too, and is placed") { subject in
            subject.slow(50)
            let draft = Draft.of(Draft.order([(2, 1)]))
            _ = try await subject.orders.place(draft)
            subject.faults.live.update(DemoState())
            try expect(try await subject.orders.order(draft.order.id) != nil, "the order")
            try expect(subject.statements().contains { $0.isMarkedSlow && $0.milliseconds >= 50 }, "a slow statement")
        },
    ])
}
