import GRDB
import TelemetryBuffer
import Testing

@Suite struct BufferErrorTests {
    @Test func `what SQLite says is told without its statement`() throws {
        let error = DatabaseError(resultCode: .SQLITE_IOERR, message: "disk I/O error", sql: "SELECT * FROM spans")
        #expect("\(error)".contains("SELECT"))
        #expect(SpanBuffer.words(of: error) == "disk I/O error")
        #expect(SpanBuffer.sqliteWords(of: CancellationError()) == nil)
        #expect(SpanBuffer.words(of: CancellationError()) == "CancellationError()")
    }
}
