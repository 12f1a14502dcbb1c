import HummingbirdCore
import Synchronization

/// How many connections the servers of a process may have open together: each is a file, and a process that has none left
/// can neither write its databases nor call anybody.
public final class ConnectionBudget: Sendable {
    /// What each server may have whatever the others have. A server is told of its own connections' ends only, so one
    /// without any would wait for ever.
    static let own = 32

    private let most: Int
    private let count = Atomic(0)

    public init(_ most: Int) {
        self.most = most
    }

    /// For one server.
    func delegate() -> some AvailableConnectionsDelegate { Delegate(budget: self) }

    private struct Delegate: AvailableConnectionsDelegate {
        let budget: ConnectionBudget
        var own = 0

        mutating func connectionOpened() {
            own += 1
            budget.count.add(1, ordering: .relaxed)
        }

        mutating func connectionClosed() {
            own -= 1
            budget.count.subtract(1, ordering: .relaxed)
        }

        func isAcceptingNewConnections() -> Bool {
            own < ConnectionBudget.own || budget.count.load(ordering: .relaxed) < budget.most
        }
    }
}
