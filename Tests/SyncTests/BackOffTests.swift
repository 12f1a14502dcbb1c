import HTTPClient
import Testing

@testable import Sync

@Suite struct BackOffTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `every wait lies between nothing and the ceiling, which doubles up to the cap`(seed: UInt64) {
        var backOff = BackOff(base: .seconds(1), cap: .seconds(60), seed: seed)
        for failure in 0..<200 {
            let ceiling = Duration.seconds(min(60, 1 << min(failure, 10)))
            #expect(backOff.ceiling == ceiling)
            #expect((.zero...ceiling).contains(backOff.next()))
        }
        backOff.reset()
        #expect(backOff.ceiling == .seconds(1))
    }

    @Test func `the jitter is full: waits lie in every tenth of the range, and a seed repeats them`() {
        var (one, same) = (BackOff(seed: 1), BackOff(seed: 1))
        var tenths: Set<Int> = []
        for _ in 0..<500 {
            let wait = one.next()
            #expect(wait == same.next())
            if one.failures > 10 { tenths.insert(Int(wait / .seconds(6))) }
        }
        #expect(tenths.isSuperset(of: 0..<10))
    }

    @Test func `what the other side asks for is a floor`() {
        var backOff = BackOff(base: .seconds(1), cap: .seconds(60), seed: 3)
        for _ in 0..<100 { #expect(backOff.next(floor: .seconds(90)) == .seconds(90)) }
    }

    @Test(
        arguments: [
            ("0", .zero), ("120", .seconds(120)), ("99999999999999999999999", .seconds(3_600)),
            ("1000000", .seconds(3_600)), ("Fri, 02 Jan 1970 00:02:00 GMT", .seconds(3_600)),
            ("Thu, 01 Jan 1970 00:02:00 GMT", .seconds(20)), ("Thu, 01 Jan 1970 00:00:01 GMT", .zero), ("soon", nil),
            ("", nil), ("-5", nil),
        ] as [(String, Duration?)]
    )
    func `Retry-After is seconds or a date, and never more than an hour`(text: String, wait: Duration?) {
        #expect(RetryAfter.wait(text, date: nil, now: 100) == wait)
    }

    @Test func `a date is measured by the clock of the one who gave it`() {
        let wait = RetryAfter.wait(
            "Thu, 01 Jan 1970 00:02:00 GMT",
            date: "Thu, 01 Jan 1970 00:01:00 GMT",
            now: 1_000_000
        )
        #expect(wait == .seconds(60))
    }
}
