import GRDB

extension SpanBuffer {
    /// What an error of the buffer's says, for a person: of one of SQLite's not the statement that failed.
    public static func words(of error: any Error) -> String {
        sqliteWords(of: error) ?? "\(error)"
    }

    /// Nil for an error that is none of SQLite's.
    public static func sqliteWords(of error: any Error) -> String? {
        (error as? DatabaseError).map { $0.message ?? $0.resultCode.description }
    }
}
