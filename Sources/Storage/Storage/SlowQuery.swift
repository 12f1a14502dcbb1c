public import Faults

/// How one read is slowed while `slow-queries` is on: inside its statement, and nowhere else.
public struct SlowQuery: Sendable {
    /// The two ways.
    public enum Way: Int, Hashable, Sendable {
        case sleep, scan
    }

    public let way: Way
    /// Milliseconds of sleep; rows of the table that is scanned.
    public let strength: Int
    private let faults: ServiceFaults

    /// Nil while the fault is off.
    public init?(_ faults: ServiceFaults?) {
        guard let faults, let setting = faults[.slowQueries], let strength = setting.strength else { return nil }
        way = setting.option == "scan" ? .scan : .sleep
        self.strength = strength
        self.faults = faults
    }

    /// Counts a read that was slowed.
    public func count(milliseconds: Double) { faults.count(.slowQueries, milliseconds: milliseconds) }
}

/// A table without an index on what it is asked for: grown for slow queries that scan, and emptied afterwards.
public protocol ScanTable: Sendable {
    /// Makes it exactly so many rows, in steps that hold up nobody for long.
    ///
    /// - Throws: `StorageError`, `CancellationError`.
    func resizeScanTable(to rows: Int) async throws
}

/// Of the table that is scanned.
public enum ScannedTable {
    /// A condition that no index can serve and that always holds, whatever it finds.
    public static let condition = "(SELECT count(*) FROM price_history WHERE note LIKE '%recalled%') >= 0"
}
