import ConnectionPool
import PostgresClient
import Storage

extension StorageError {
    /// What an error from Postgres, or from the pool before it, means to a service.
    ///
    /// - Throws: `CancellationError`, which is no error of the engine's.
    static func from(_ error: any Error) throws -> StorageError {
        switch error {
        case let error as StorageError: return error
        case is CancellationError: throw error
        case let error as PoolError: return StorageError(.poolExhausted, error.description)
        case let error as PostgresError where error.code == .cancelled: throw CancellationError()
        case let error as PostgresError: return StorageError(code(of: error), error.message)
        default: return StorageError(.failed, "\(error)")
        }
    }

    private static func code(of error: PostgresError) -> Code {
        switch error.sqlState {
        case "53100": .diskFull
        // A password, a database, a right, a table: whoever runs the shop has to do something, and requests can be tried
        // again then.
        case let state? where ["28", "3D", "3F", "42"].contains { state.hasPrefix($0) }: .unavailable
        default: error.isTransient || error.isConnectionLost || error.code == .timeout ? .unavailable : .failed
        }
    }
}
