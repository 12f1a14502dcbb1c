import GRDB

/// The one connection that writes a file of the buffer's. A connection that the disk has failed may take a sound file for a bad
/// one until it is closed: then it is given up, and the next that needs one opens another. Confined to the writer.
final class WriterConnection {
    let path: String
    private let schema: String
    private var queue: DatabaseQueue?

    init(path: String, schema: String) {
        (self.path, self.schema) = (path, schema)
    }

    var isOpen: Bool { queue != nil }

    /// The open one, or a new one.
    ///
    /// - Throws: `DatabaseError`, `NewerSchema`.
    func open() throws -> (queue: DatabaseQueue, isNew: Bool) {
        if let queue { return (queue, false) }
        let queue = try BufferDatabase.writer(path, schema: schema)
        self.queue = queue
        return (queue, true)
    }

    /// Closes it whatever it says.
    func giveUp() {
        let previous = queue
        queue = nil
        try? previous?.close()
    }

    /// Gives it up if an error may be its own and not the file's.
    func giveUp(after error: any Error) {
        if BufferDatabase.isSuspicion(error) { giveUp() }
    }

    /// Moves all of the log into the file and closes it. Readers may keep the log from being cut; nothing is lost then, and they
    /// are not waited for: one that gives way to everybody may take its time.
    ///
    /// - Throws: `DatabaseError`; it is still open then.
    func close() throws {
        guard let queue else { return }
        queue.writeWithoutTransaction { db in
            try? db.execute(sql: "PRAGMA busy_timeout = 0")
            _ = try? db.checkpoint(.truncate)
        }
        try queue.close()
        self.queue = nil
    }
}
