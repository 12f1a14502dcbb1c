import GRDB
import Logging
import ServiceTracing

/// Opens a buffer's files and puts right what a crash or a bad disk has left.
struct BufferOpening {
    let files: BufferFiles
    let ledger: Ledger
    private(set) var sealed: [BufferWriter.SealedSlice] = []
    private(set) var active: SliceWriter?
    private(set) var nextID: Int64 = 1
    private(set) var report: OpenReport
    private let clock: any TraceClock
    private let logger: Logger

    /// - Throws: What the file system or SQLite says of a fault that setting a file aside would not mend; `NewerSchema`.
    init(files: BufferFiles, configuration: BufferConfiguration, clock: any TraceClock, logger: Logger) throws {
        self.files = files
        self.clock = clock
        self.logger = logger
        try files.create()
        let existed = files.exists(files.ledger)
        (ledger, report) = try Self.openLedger(files, clock, logger)
        if !existed || !report.setAside.isEmpty { report.rebuiltLedger = !files.sliceIDs().isEmpty }
        try adoptSlices(upTo: configuration.sliceBytes)
    }

    private static func openLedger(
        _ files: BufferFiles,
        _ clock: any TraceClock,
        _ logger: Logger
    ) throws -> (Ledger, OpenReport) {
        var report = OpenReport()
        do {
            return (try Ledger(files.ledger), report)
        } catch  where BufferDatabase.isCorruption(error) {
            report.setAside.append(try setAside(files, files.ledger, clock, logger, because: error))
            return (try Ledger(files.ledger), report)
        }
    }

    /// Every slice there is, by the catalogue or by its file.
    private mutating func adoptSlices(upTo sliceBytes: Int) throws {
        let catalogue = Dictionary(uniqueKeysWithValues: ledger.catalogue.map { ($0.id, $0) })
        let present = Set(files.sliceIDs())
        let all = present.union(catalogue.keys).sorted()
        nextID = (all.last ?? 0) + 1
        for id in all {
            let row = catalogue[id]
            if row?.isFolded == true {
                files.unlink(files.slice(id))
            } else if present.contains(id) {
                try adopt(id, row, mayGrow: id == all.last && row?.isSealed == false, sliceBytes)
            } else if let row {
                // Its file is gone, or was never made: what is known of its spans is that they are not there.
                files.unlink(files.slice(id))
                try ledger.fold(id, SliceCounters(enqueued: row.enqueued))
            }
        }
    }

    private mutating func adopt(_ id: Int64, _ row: CatalogueRow?, mayGrow: Bool, _ sliceBytes: Int) throws {
        let path = files.slice(id)
        do {
            let slice = try SliceWriter(id: id, path: path)
            if row == nil { try ledger.add(id, created: clock.wall, sealed: clock.wall) }
            if mayGrow && slice.bytes < sliceBytes {
                active = slice
                return
            }
            try slice.close()
            sealed.append(
                .init(id: id, bytes: files.bytes(path), counters: slice.counters, outcomes: slice.outcomes)
            )
            if row?.isSealed != true {
                try ledger.seal(id, at: clock.wall, bytes: files.bytes(path), counters: slice.counters)
            }
        } catch  where BufferDatabase.isCorruption(error) {
            report.setAside.append(try Self.setAside(files, path, clock, logger, because: error))
            if let row { try ledger.fold(id, SliceCounters(enqueued: row.enqueued)) }
        }
    }

    private static func setAside(
        _ files: BufferFiles,
        _ path: String,
        _ clock: any TraceClock,
        _ logger: Logger,
        because error: any Error
    ) throws -> OpenReport.SetAside {
        let target = try files.setAside(path, timestamp: clock.wall)
        logger.error("A file of the span buffer was set aside", metadata: ["path": "\(target)", "error": "\(error)"])
        return OpenReport.SetAside(path: target, reason: String(describing: error))
    }
}
