import CLibPQ

/// One `PGresult`, cleared with its last reference.
final class ResultHandle: Sendable {
    /// libpq only reads from a result that it has handed out, and says that it may be passed between threads (PostgreSQL
    /// documentation, *Behavior in Threaded Programs*); it is freed when nobody refers to it.
    nonisolated(unsafe) let raw: OpaquePointer

    init(_ raw: OpaquePointer) { self.raw = raw }

    deinit { PQclear(raw) }

    var status: ExecStatusType { PQresultStatus(raw) }

    var isError: Bool { status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE }

    func field(_ field: ErrorField) -> String? { PQresultErrorField(raw, field.rawValue).map { String(cString: $0) } }

    var commandTag: String { PQcmdStatus(raw).map { String(cString: $0) } ?? "" }
}

/// What a statement has answered, whole and in memory.
public struct PostgresRows: RandomAccessCollection, Sendable {
    private let result: ResultHandle
    private let names: [String: Int32]

    init(_ result: ResultHandle) {
        self.result = result
        var names: [String: Int32] = [:]
        for column in 0..<PQnfields(result.raw) {
            // Of two columns with one name the first is found by it.
            let name = PQfname(result.raw, column).map { String(cString: $0) } ?? ""
            if names[name] == nil { names[name] = column }
        }
        self.names = names
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { Int(PQntuples(result.raw)) }
    public subscript(index: Int) -> PostgresRow {
        precondition(indices.contains(index), "no such row")
        return PostgresRow(result: result, row: Int32(index), names: names)
    }

    /// How many rows the statement has inserted, updated, deleted or answered.
    public var affected: Int { PQcmdTuples(result.raw).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// Such as `INSERT 0 1`.
    public var commandTag: String { result.commandTag }

    /// The one row.
    ///
    /// - Throws: `PostgresError.Code.decoding` when there are none or several.
    public func only() throws(PostgresError) -> PostgresRow {
        guard count == 1 else { throw PostgresError(.decoding, "One row was expected, and \(count) came.") }
        return self[0]
    }
}

/// One row of an answer.
public struct PostgresRow: Sendable {
    let result: ResultHandle
    let row: Int32
    let names: [String: Int32]

    /// Reads a column by its name.
    ///
    /// - Throws: `PostgresError.Code.decoding` when there is no such column, its type is another, or it is NULL and the
    ///   type is not optional.
    public func read<Value: PostgresDecodable>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let index = names[column] else {
            throw PostgresError(.decoding, "The answer has no column \(column).")
        }
        return try Value(cell(index, column))
    }

    /// Reads a column by its position, from 0.
    ///
    /// - Throws: As by name.
    public func read<Value: PostgresDecodable>(
        at column: Int,
        as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard (0..<Int(PQnfields(result.raw))).contains(column) else {
            throw PostgresError(.decoding, "The answer has no column \(column).")
        }
        return try Value(cell(Int32(column), "\(column)"))
    }

    private func cell(_ column: Int32, _ name: String) -> PostgresCell {
        guard PQgetisnull(result.raw, row, column) == 0, let start = PQgetvalue(result.raw, row, column) else {
            return PostgresCell(column: name, typeID: PQftype(result.raw, column), text: nil)
        }
        let length = Int(PQgetlength(result.raw, row, column))
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        let text = String(decoding: bytes, as: UTF8.self)
        return PostgresCell(column: name, typeID: PQftype(result.raw, column), text: text)
    }
}
