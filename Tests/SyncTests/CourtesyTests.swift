import TelemetryBuffer
import Testing

@testable import Sync

@Suite("A drain gives way to a busy shop")
struct CourtesyTests {
    private static let second: UInt64 = 1_000_000_000

    /// - Returns: The state after so many spans were recorded in the given time.
    private static func after(_ recorded: Int, in nanoseconds: UInt64, isFilling: Bool = false) -> Courtesy {
        var courtesy = Courtesy()
        courtesy.note(BufferLoad(recorded: 1_000, isFilling: false), now: 5 * second)
        courtesy.note(BufferLoad(recorded: 1_000 + recorded, isFilling: isFilling), now: 5 * second + nanoseconds)
        return courtesy
    }

    @Test("It works a twentieth of the time beside a busy shop, and all of it beside an idle one")
    func share() {
        let busy = Self.after(500, in: Self.second)
        #expect(busy.isBusy)
        #expect(busy.rest(after: .milliseconds(20)) == .milliseconds(380))
        let idle = Self.after(499, in: Self.second)
        #expect(!idle.isBusy)
        #expect(idle.rest(after: .milliseconds(20)) == .zero)
    }

    @Test("A slow line makes no longer rest")
    func slow() {
        #expect(Self.after(5_000, in: Self.second).rest(after: .seconds(20)) == .milliseconds(500))
    }

    @Test("A first look and one too soon say nothing; a clock that stands divides nothing")
    func early() {
        var courtesy = Courtesy()
        courtesy.note(BufferLoad(recorded: 1_000_000, isFilling: false), now: Self.second)
        #expect(!courtesy.isBusy)
        #expect(!Self.after(1_000_000, in: 0).isBusy)
        #expect(!Self.after(1_000_000, in: Courtesy.window - 1).isBusy)
        #expect(Self.after(50, in: Courtesy.window).isBusy)
    }

    @Test("A buffer that fills up comes first")
    func filling() {
        #expect(!Self.after(50_000, in: Self.second, isFilling: true).isBusy)
        var courtesy = Self.after(50_000, in: Self.second)
        courtesy.note(BufferLoad(recorded: 60_000, isFilling: true), now: 6 * Self.second + 1)
        #expect(!courtesy.isBusy)
        courtesy.note(BufferLoad(recorded: 160_000, isFilling: false), now: 8 * Self.second)
        #expect(courtesy.isBusy)
    }
}
