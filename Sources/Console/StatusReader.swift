public import ConsoleAPI
import SQLiteStorage
public import ServiceTracing
import Storage
import TelemetryBuffer

/// The ledger from the files of a data directory alone: while a shop runs there, and after it stopped.
///
/// What only a running shop knows is missing: the lanes' last errors, and whether a person has pulled the plug.
public struct StatusReader: Sendable {
    private let dataDirectory: String
    private let lanes: ConfiguredLanes
    private let clock: any TraceClock

    /// - Parameter lanes: By the configuration of the one who asks, which is all that is known while no shop runs.
    public init(dataDirectory: String, lanes: ConfiguredLanes, clock: any TraceClock = SystemTraceClock()) {
        self.dataDirectory = dataDirectory
        self.lanes = lanes
        self.clock = clock
    }

    /// The ledger now. A directory where no shop has run yet has empty books and no edge id.
    ///
    /// - Throws: `StorageError` for a shop's file that cannot be read, SQLite's error for one of the buffer's.
    public func status() async throws -> StatusMessage {
        let shop = try ShopDatabase.outboxCounts(path: dataDirectory + "/shop.sqlite")
        let spans = try await TraceReader(directory: dataDirectory + "/telemetry").counts()
        var status = StatusMessage(
            edgeID: shop?.edgeID ?? "",
            sync: IdleSync(lanes: lanes).status(),
            orders: shop?.counts ?? OutboxCounts(),
            spans: spans,
            now: clock.wall
        )
        // What is done needs nobody to go on.
        if status.orders.pending == 0, status.orders.state == .blocked {
            (status.orders.state, status.orders.last_error) = (.idle, nil)
        }
        if status.spans.pending == 0, status.spans.state == .blocked {
            (status.spans.state, status.spans.last_error) = (.idle, nil)
        }
        return status
    }
}
