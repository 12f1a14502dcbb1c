import SQLiteStorage
import Storage
import Sync
import TelemetryBuffer

// How a world ends for an edge.
extension Edge {
    /// Nanoseconds since 1970, as no machine knows it.
    var clockTrue: UInt64 { clock.sinceBoot + 1_759_999_000_000_000_000 }

    /// Nothing stands in the way any more.
    func heal() async throws {
        disk.mode = .sound
        spanLine.set(.clear)
        orderLine.set(.clear)
        clock.set(error: 0)
        if isDying || isDoomed { try await restart(isOrderly: false) }
        disk.mode = .sound
        await setSwitchedOff(false)
    }

    var isDrained: Bool {
        get async {
            guard let process else { return false }
            let orders = (try? await process.shop.outboxCounts().pending) ?? 1
            return await process.buffer.counts().pending == 0 && orders == 0
        }
    }

    /// What counts as sent is there.
    func checkTaken(by ingress: Ingress) {
        let missing = oracle.withState { state in
            state.acknowledged.subtracting(state.rejected).count { ingress.timesTaken($0) == 0 }
        }
        if missing > 0 { oracle.violation("\(missing) spans count as sent that the backend does not have") }
    }
}
