import HummingbirdCore
import Testing

@testable import HTTPServer

struct ConnectionBudgetTests {
    @Test func `servers share a budget, and each has a few connections of its own`() {
        let budget = ConnectionBudget(100)
        var (first, second): (any AvailableConnectionsDelegate, any AvailableConnectionsDelegate) =
            (budget.delegate(), budget.delegate())
        func take(_ server: inout any AvailableConnectionsDelegate) -> Int {
            var count = 0
            while server.isAcceptingNewConnections(), count < 1000 {
                server.connectionOpened()
                count += 1
            }
            return count
        }
        #expect(take(&first) == 100)
        #expect(take(&second) == ConnectionBudget.own)
        for _ in 0..<(ConnectionBudget.own + 1) { first.connectionClosed() }
        #expect(take(&second) == 1)
        #expect(take(&first) == 0)
        second.connectionClosed()
        #expect(take(&first) == 1)
    }
}
