import Commerce
import PostgresClient
import Storage

extension Money {
    /// Reads a `numeric` with two decimals, as it is written out, to the last minor unit.
    ///
    /// - Throws: `StorageError` `.corrupt` for what is no such number.
    init(row: PostgresRow, _ column: String, _ currency: Currency) throws {
        let text: String = try row.read(column)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let decimals = parts.count > 1 ? parts[1].prefix(currency.decimals) : ""
        let zeros = String(repeating: "0", count: currency.decimals - decimals.count)
        guard let minorUnits = Int64(parts[0] + decimals + zeros) else {
            throw StorageError(.corrupt, "\(column) is no amount of \(currency.rawValue): \(text)")
        }
        self.init(minorUnits: minorUnits, currency: currency)
    }
}
