extension RecordedSpan {
    /// Marks a database span as slow on purpose, by the names that alerts look for.
    ///
    /// - Parameters:
    ///   - milliseconds: How long the statement took.
    ///   - rowsScanned: Nil where it was not a scan that took the time.
    ///   - missingIndex: What would have spared the scan.
    public func setSlowQuery(
        milliseconds: Double,
        rowsScanned: Int? = nil,
        missingIndex: String = "price_history.note"
    ) {
        var attributes: Attributes = ["db.slow_query": true, "db.duration_ms": .double(milliseconds)]
        if let rowsScanned {
            attributes["db.full_table_scan"] = true
            attributes["db.missing_index"] = .string(missingIndex)
            attributes["db.rows_scanned"] = .int(rowsScanned)
        }
        set(attributes)
    }
}
