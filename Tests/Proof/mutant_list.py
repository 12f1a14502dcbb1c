"""The bugs that `mutants.py` plants: text of the product's sources, and what stands in its place."""

import collections

Mutant = collections.namedtuple("Mutant", "name changes")

DRAIN = "Sources/Sync/SpanUplink+Drain.swift"
UPLINK = "Sources/Sync/SpanUplink.swift"
CONDITION = "Sources/Sync/LaneCondition.swift"
ANSWER = "Sources/Sync/OTLPAnswer.swift"
EXCHANGE = "Sources/Sync/SpanExchange.swift"
ORDERS = "Sources/Sync/OrderUplink.swift"
PLAN = "Sources/Storage/Upstream/PushPlan.swift"
COMMITTER = "Sources/Storage/SQLite/GroupCommitter.swift"
OUTBOX = "Sources/Telemetry/Buffer/Outbox/SpanOutbox.swift"
PAGE = "Sources/Telemetry/Buffer/Outbox/SliceReader+Batch.swift"
OUTCOMES = "Sources/Telemetry/Buffer/Outbox/SliceOutcomes.swift"
WRITER = "Sources/Telemetry/Buffer/Writer/BufferWriter.swift"
SLICE = "Sources/Telemetry/Buffer/Writer/SliceWriter.swift"

IGNORES_AGE = (PAGE, "if moved < window.lowerBound {", "if moved < Int64.min {")

MUTANTS = [
    Mutant(
        "spans count as sent before they are sent",
        [
            (
                DRAIN,
                "                    drain.inFlight += 1\n",
                "                    drain.inFlight += 1\n                    await outbox.settle(batch, .delivered())\n",
            )
        ],
    ),
    Mutant(
        "a partial_success is sent again",
        [
            (
                DRAIN,
                "            await outbox.settle(batch, .delivered(rejected: rejected, reason: message))\n",
                "            if rejected > 0 {\n                await outbox.giveBack(batch)\n            } else {\n"
                "                await outbox.settle(batch, .delivered())\n            }\n",
            )
        ],
    ),
    Mutant(
        "a login page counts as delivered",
        [
            (
                ANSWER,
                "guard let answer else { return foreign(response) }",
                'guard let answer else { return .delivered(rejected: 0, message: "") }',
            )
        ],
    ),
    Mutant(
        "a redirect counts as delivered",
        [
            (
                ANSWER,
                "        case 200, 202, 204: self",
                '        case 300..<400: self = .delivered(rejected: 0, message: "")\n        case 200, 202, 204: self',
            )
        ],
    ),
    Mutant(
        "an order's receipt is not looked at",
        [
            (
                PLAN,
                "if let outcome = known[payload.id].flatMap(Self.replay) {",
                "if known[payload.id]?.outcome == nil, let outcome = known[payload.id].flatMap(Self.replay) {",
            )
        ],
    ),
    Mutant("stock is given that is not there", [(PLAN, "default: 0] >= $0.value })", "default: 0] >= $0.value - 1 })")]),
    Mutant(
        "the age is never checked",
        [IGNORES_AGE, (UPLINK, "        guard skew.isKnown else { return }\n", "        guard clock.wall == 0 else { return }\n")],
    ),
    Mutant(
        "the age is checked after sending",
        [
            IGNORES_AGE,
            (UPLINK, "        await expire()\n        guard mayBegin", "        guard mayBegin"),
            (UPLINK, "            await expire()\n            return true", "            return true"),
            (
                UPLINK,
                "        let drained = await drain(exchange)\n",
                "        let drained = await drain(exchange)\n        await expire()\n",
            ),
        ],
    ),
    Mutant(
        "spans expire by a clock that nobody vouches for",
        [
            (DRAIN, "expires: skew.isKnown", "expires: true"),
        ],
    ),
    Mutant(
        "a second failure in a row gives spans up",
        [
            (
                DRAIN,
                "            await outbox.giveBack(batch)\n            if reply.isLate",
                "            if condition.isClear {\n                await outbox.giveBack(batch)\n            } else {\n"
                "                await outbox.settle(batch, .expired)\n            }\n            if reply.isLate",
            )
        ],
    ),
    Mutant(
        "a refused key gives spans up",
        [
            (
                DRAIN,
                "            await outbox.giveBack(batch)\n            block(reason)",
                "            await outbox.settle(batch, .quarantined(reason: reason))\n            block(reason)",
            )
        ],
    ),
    Mutant(
        "Retry-After is ignored",
        [
            (
                ANSWER,
                "response.headers[.retryAfter].flatMap { RetryAfter.wait($0, date: response.headers[.date], now: now) }",
                "response.headers[.retryAfter].flatMap { $0.isEmpty ? .seconds(now) : nil }",
            )
        ],
    ),
    Mutant(
        "Retry-After is ignored in the answer to the question for the time",
        [
            (
                EXCHANGE,
                "        if case .retry(let reason, let after?, _) = answer { return",
                "        if case .retry(let reason, let after?, true) = answer { return",
            )
        ],
    ),
    Mutant("trying now lifts a Retry-After", [(CONDITION, "max(floorAt, now))", "now)")]),
    Mutant("a blocked lane does not wait for the cap", [(CONDITION, "now &+ backOff.cap.nanoseconds)", "now &+ 1)")]),
    Mutant("a blocked lane waits for ever", [(CONDITION, "max(floorAt, now &+ backOff.cap.nanoseconds)", "UInt64.max")]),
    Mutant(
        "the plug is pulled and spans are sent",
        [(UPLINK, "var mayBegin: Bool { !condition.isSwitchedOff && mayGoOn }", "var mayBegin: Bool { mayGoOn }")],
    ),
    Mutant("the books do not count a rejected span", [(OUTCOMES, "rejected += sign * range.rejected", "rejected += 0 * sign")]),
    Mutant(
        "one bad span takes its batch with it",
        [(DRAIN, "        if batch.count > 1 {\n", "        if batch.count > 1, tooLarge {\n")],
    ),
    Mutant("half of a batch that was halved is forgotten", [(DRAIN, "drain.parts += [second, first]", "drain.parts += [second.count > 0 ? first : second]")]),
    Mutant(
        "what is lent is lent again",
        [(OUTBOX, "                    lent[slice.id, default: []] += batch.ranges\n", "")],
    ),
    Mutant(
        "an answer that the disk does not take is forgotten",
        [(OUTBOX, "unwritten.append((slice, spans, settlement))", "endLoan(slice, spans)")],
    ),
    Mutant(
        "a full disk drops spans that were not sent",
        [(WRITER, "guard let delivered = sealed.first(where: { $0.counters.pending == 0 }) else { return }\n        files", "guard let delivered = sealed.first else { return }\n        files")],
    ),
    Mutant(
        "the budget drops the oldest slice, delivered or not, and counts nothing as evicted",
        [
            (
                "Sources/Telemetry/Buffer/Writer/Ledger.swift",
                "counters.sent, counters.rejected, counters.expired, counters.pending, counters.quarantined,",
                "counters.sent + counters.pending, counters.rejected, counters.expired, 0, counters.quarantined,",
            )
        ],
    ),
    Mutant(
        "orders count as pushed before COMMIT's answer",
        [
            (
                ORDERS,
                "            let answers = try await ask(pending, upstream)\n",
                "            try await outbox.settle(pending.map { OrderSettlement(id: $0.id, outcome: .accepted) })\n"
                "            let answers = try await ask(pending, upstream)\n",
            )
        ],
    ),
    Mutant(
        "an order is acknowledged though its COMMIT failed",
        [
            (
                COMMITTER,
                "            for pending in group { pending.finish(error) }\n",
                "            for pending in group { pending.finish(db.isInsideTransaction ? error : nil) }\n",
            )
        ],
    ),
    Mutant(
        "an order that waits counts as rejected",
        [
            (
                ORDERS,
                "                    postponed.append(row.id)\n",
                "                    settlements.append(OrderSettlement(id: row.id, outcome: .rejected(reason: reason)))\n",
            ),
            (ORDERS, "var postponed: [OrderID] = []", "let postponed: [OrderID] = []"),
        ],
    ),
    Mutant(
        "orders that are stuck are never tried again",
        [(ORDERS, "                try await pushStuck(known, to: upstream)\n", "                try await pushStuck(known - known, to: upstream)\n")],
    ),
    Mutant(
        "what is refused is bad once others were taken",
        [
            (DRAIN, "let takesNothing = await isTaking(exchange, &drain)\n", "let takesNothing = drain.delivered.spans > 0\n"),
            (DRAIN, "if takesNothing, await !isTaking(exchange, &drain) {", "if takesNothing, drain.delivered.spans == 0 {"),
        ],
    ),
    Mutant(
        "the books keep what a failed transaction would have added",
        [(SLICE, "                (contents, isDoubtful) = (before, true)\n", "                isDoubtful = before.counters.enqueued < 0\n")],
    ),
]
