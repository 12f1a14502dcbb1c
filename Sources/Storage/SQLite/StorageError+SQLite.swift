import GRDB
import Storage

extension StorageError {
    /// What an error of SQLite's means to the shop.
    init(sqlite error: any Error, path: String) {
        switch error {
        case let error as StorageError:
            self = error
        case let error as DatabaseError:
            let code: Code =
                switch error.resultCode {
                case .SQLITE_FULL: .diskFull
                case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
                case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_BUSY, .SQLITE_IOERR: .unavailable
                default: .failed
                }
            self.init(code, "\(path): \(error.message ?? error.resultCode.description)")
        case is RowDecodingError:
            // A value of a type that its column cannot have.
            self.init(.corrupt, "\(path): \(error)")
        case is CancellationError:
            self.init(.unavailable, "\(path): cancelled")
        default:
            self.init(.failed, "\(path): \(error)")
        }
    }
}
