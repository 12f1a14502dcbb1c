import GRDB
public import Storage

extension ShopDatabase: ScanTable {
    /// So many rows are written at once that others wait for some ten milliseconds.
    private static let step = 20_000

    public func resizeScanTable(to rows: Int) async throws {
        do {
            var count = try await committer.read { db in
                try Int.fetchOne(db, sql: "SELECT max(id) FROM price_history") ?? 0
            }
            if rows == 0 { return try await write("DELETE FROM price_history", []) }
            if count > rows { return try await write("DELETE FROM price_history WHERE id > ?", [rows]) }
            while count < rows {
                try Task.checkCancellation()
                let next = min(rows, count + Self.step)
                try await write(Self.grow, [count + 1, next])
                count = next
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw StorageError(sqlite: error, path: "shop")
        }
    }

    private func write(_ sql: String, _ arguments: [Int]) async throws {
        try await committer.commit(trace: .none) { db, _ in
            try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
        }
    }

    private static let grow = """
        WITH RECURSIVE n(id, last) AS (SELECT ?, ? UNION ALL SELECT id + 1, last FROM n WHERE id < last) \
        INSERT OR IGNORE INTO price_history (id, product_id, price_minor, note) \
        SELECT id, 1 + id % 21, 1000 + id % 9973, 'price list ' || id / 21 || ', reviewed, no change' FROM n
        """
}
