import CLibPQ
import Foundation
import Synchronization

/// The least that a client must do for the shop's rows on Postgres: its statements, prepared once a connection, by libpq
/// itself and without a span or a server in front.
enum BarePostgres {
    /// As many connections as load the shop.
    private static let connections = Wrk.connections
    /// Two transactions at once, as in the shop, of half the orders that are under way there.
    private static let (transactions, orders) = (2, Wrk.connections / 2)
    private static let numbers = Atomic(0)

    /// Products read a second, one an exchange.
    ///
    /// - Parameter url: Of a shop's database.
    static func productRate(_ url: String, seconds: Int) async throws -> Double {
        try await Threads.rate(connections, seconds: seconds) {
            let connection = try Connection(url)
            try connection.prepare(
                "product",
                """
                SELECT id, name, category, price::text AS price, stock_quantity, description FROM products \
                WHERE id = $1::bigint
                """
            )
            return {
                let number = numbers.add(1, ordering: .relaxed).newValue
                try connection.exchange([("product", ["\(number % 21 + 1)"])])
                return 1
            }
        }
    }

    /// Orders written a second: two exchanges a transaction, in each of them all its statements.
    ///
    /// - Parameter url: Of a shop's database.
    static func orderRate(_ url: String, seconds: Int) async throws -> Double {
        try await Threads.rate(transactions, seconds: seconds) {
            let connection = try Connection(url)
            for (name, text) in statements { try connection.prepare(name, text) }
            return {
                let last = numbers.add(orders, ordering: .relaxed).newValue
                try write(Array(last - orders..<last), connection)
                return orders
            }
        }
    }

    private static let statements = [
        ("begin", "BEGIN ISOLATION LEVEL READ COMMITTED"), ("commit", "COMMIT"),
        (
            "lock",
            """
            SELECT id, stock_quantity, coalesce(seeded_stock, 1) AS seeded_stock FROM products \
            WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
            """
        ),
        (
            "stock",
            """
            UPDATE products SET stock_quantity = stock_quantity + c.quantity, updated_at = now() \
            FROM unnest($1::integer[], $2::integer[]) AS c(id, quantity) WHERE products.id = c.id
            """
        ),
        (
            "orders",
            """
            INSERT INTO orders (id, user_id, status, currency, subtotal, shipping, total, payment_status, order_date, \
            edge_id, traceparent) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::numeric[], \
            $6::numeric[], $7::numeric[], $8::text[], $9::timestamptz[], $10::text[], $11::text[])
            """
        ),
        (
            "items",
            """
            INSERT INTO order_items (order_id, line, product_id, product_name, quantity, unit_price, line_total) \
            SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::integer[], $6::numeric[], \
            $7::numeric[])
            """
        ),
    ]

    /// One transaction. The stock stays what it was, so that none is ever sold out; its rows are written all the same.
    private static func write(_ numbers: [Int], _ connection: Connection) throws {
        let ids = numbers.map { String(format: "01234567-89ab-7%03x-8000-%012x", getpid() % 4_096, $0) }
        let products = numbers.map { $0 % 21 + 1 }
        let changed = Set(products).sorted()
        func all(_ text: String) -> String { array(ids.map { _ in text }) }
        try connection.exchange([("begin", []), ("lock", [array(changed)])])
        try connection.exchange([
            ("stock", [array(changed), array(changed.map { _ in 0 })]),
            (
                "orders",
                [
                    array(ids), all("bench-1"), all("placed"), all("USD"), all("9.99"), all("0.00"), all("9.99"),
                    all("authorized"), all("2023-11-14T22:13:20Z"), all("00000000000000000000000000000000"),
                    all("00-00000000000000000000000000000000-0000000000000000-01"),
                ]
            ),
            (
                "items",
                [array(ids), all("1"), array(products), all("Product"), all("1"), all("9.99"), all("9.99")]
            ), ("commit", []),
        ])
    }

    private static func array(_ values: [some CustomStringConvertible]) -> String {
        "{\(values.map(\.description).joined(separator: ","))}"
    }

    /// Used by one thread.
    private final class Connection {
        private let raw: OpaquePointer

        init(_ url: String) throws {
            guard let raw = PQconnectdb(url) else { throw Failure("There is no memory for a connection.") }
            self.raw = raw
            guard PQstatus(raw) == CONNECTION_OK else { throw error }
            try check(PQexec(raw, "SET plan_cache_mode TO force_generic_plan"))
        }

        deinit { PQfinish(raw) }

        func prepare(_ name: String, _ text: String) throws { try check(PQprepare(raw, name, text, 0, nil)) }

        /// Prepared statements in one pipeline, their rows in text.
        func exchange(_ statements: [(name: String, values: [String])]) throws {
            guard PQenterPipelineMode(raw) == 1 else { throw error }
            for (name, values) in statements {
                let copies = values.map { strdup($0) }
                defer { for copy in copies { free(copy) } }
                let pointers = copies.map { UnsafePointer($0) }
                guard PQsendQueryPrepared(raw, name, Int32(pointers.count), pointers, nil, nil, 0) == 1 else {
                    throw error
                }
            }
            guard PQpipelineSync(raw) == 1 else { throw error }
            for _ in statements {
                try check(PQgetResult(raw))
                // What ends a statement's results.
                guard PQgetResult(raw) == nil else { throw Failure("Postgres: more than one result.") }
            }
            try check(PQgetResult(raw))
            guard PQexitPipelineMode(raw) == 1 else { throw error }
        }

        private func check(_ result: OpaquePointer?) throws {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_PIPELINE_SYNC: break
            default: throw error
            }
        }

        private var error: Failure { Failure("Postgres: \(String(cString: PQerrorMessage(raw)))") }
    }
}
