import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A blob as an array of bytes, which GRDB knows only as `Data`.
struct DataBytes: DatabaseValueConvertible, StatementColumnConvertible {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(sqliteStatement: SQLiteStatement, index: CInt) {
        bytes = Array(Data(sqliteStatement: sqliteStatement, index: index))
    }

    var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> DataBytes? {
        Data.fromDatabaseValue(value).map { DataBytes(bytes: Array($0)) }
    }
}
