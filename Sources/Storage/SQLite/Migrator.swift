import Assets
import GRDB
import Storage

/// Applies a folder of numbered SQL files in order, each once, each in a transaction of its own with its record.
enum Migrator {
    static func migrate(_ writer: DatabaseQueue, folder: String) throws {
        let files = Asset.under(folder)
        precondition(!files.isEmpty, "\(folder) is compiled in")
        var migrator = DatabaseMigrator()
        for file in files {
            migrator.registerMigration(name(of: file)) { db in try db.execute(sql: file.text) }
        }
        try writer.read { db in
            guard try !migrator.hasBeenSuperseded(db) else {
                throw StorageError(
                    .failed,
                    "the database was made by a newer popshop; this one would not understand it"
                )
            }
        }
        try migrator.migrate(writer)
    }

    /// The file's name without its folder and ending: `001_shop`.
    private static func name(of file: Asset) -> String {
        String(file.path.split(separator: "/").last?.dropLast(".sql".count) ?? "")
    }
}
