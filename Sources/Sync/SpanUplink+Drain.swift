import Logging
import ServiceTracing
import TelemetryBuffer

/// One drain: what is still to be sent of batches that were halved, and single spans that were refused.
private struct Drain {
    /// Parts of batches that were refused, to be sent next.
    var parts: [SpanBatch] = []
    /// Single spans that were refused, and how many requests had been taken until then.
    var refused: [(span: SpanBatch, reason: String, deliveries: Int)] = []
    var inFlight = 0
    var delivered = DrainedSpans()
    /// Something stands in the way: nothing more is begun.
    var isOver = false
}

/// What a drain has brought to the upstream.
struct DrainedSpans {
    var spans = 0
    var rejected = 0
    var requests = 0
}

extension SpanUplink {
    /// Sends until nothing waits, or something stands in the way.
    ///
    /// - Returns: What was taken.
    func drain(_ exchange: SpanExchange) async -> DrainedSpans {
        var drain = Drain()
        repeat {
            await send(exchange, &drain)
            await hear(exchange, &drain)
        } while !drain.isOver && drain.refused.isEmpty && !drain.parts.isEmpty
        await finish(&drain)
        return drain.delivered
    }

    /// Until nothing waits, something stands in the way, or there are suspects enough.
    private func send(_ exchange: SpanExchange, _ drain: inout Drain) async {
        await withTaskGroup(of: (batch: SpanBatch, reply: SpanExchange.Reply).self) { group in
            while true {
                let begun = clock.monotonic
                while let batch = await next(&drain) {
                    drain.inFlight += 1
                    group.addTask { [packer] in await exchange.send(batch, packedBy: packer) }
                }
                onWaiting?(drain.inFlight)
                guard let (batch, reply) = await group.next() else { break }
                drain.inFlight -= 1
                await take(reply, for: batch, &drain)
                courtesy.note(await outbox.load(), now: clock.monotonic)
                if !drain.isOver, drain.inFlight == 0 { await rest(since: begun) }
            }
        }
    }

    /// Leaves the machine to a busy shop for a while: when nothing is under way, so that every answer is settled at once.
    private func rest(since begun: UInt64) async {
        let rest = courtesy.rest(after: .nanoseconds(Int64(clamping: clock.monotonic - begun)))
        if rest > .zero { try? await Task.sleep(for: rest) }
    }

    /// The next batch to be sent; nil when none is, or none yet.
    private func next(_ drain: inout Drain) async -> SpanBatch? {
        guard !drain.isOver, drain.inFlight < (courtesy.isBusy ? 1 : pace.requests), mayBegin else { return nil }
        guard drain.delivered.spans == 0 || drain.refused.count < options.maxSuspects else { return nil }
        // A clock that is set meanwhile makes no span too old.
        if skew.forget(ifSetSince: clock, tolerating: options.toleratedStep) { askedAt = nil }
        if let part = drain.parts.popLast() { return part }
        do {
            let take = try await outbox.nextBatch(
                maxBytes: pace.bytes,
                maxSpans: pace.spans,
                window: window,
                expires: skew.isKnown
            )
            noteHeld(take.held)
            return take.batch
        } catch {
            if !(error is CancellationError) { postponeForDisk(error) }
            drain.isOver = true
            return nil
        }
    }

    private func take(_ reply: SpanExchange.Reply, for batch: SpanBatch, _ drain: inout Drain) async {
        switch reply.answer {
        case .delivered(let rejected, let message):
            await outbox.settle(batch, .delivered(rejected: rejected, reason: message))
            drain.delivered.spans += batch.count
            drain.delivered.rejected += rejected
            drain.delivered.requests += 1
            if let date = reply.date { noteClock(date, isBackend: true) } else { skew.trustOwn(clock) }
            noteDelivered(batch, rejected: rejected, message: message)
            if condition.isClear { pace.note(batch.bytes, took: reply.took) }
        case .retry(let reason, let after, let offline):
            await outbox.giveBack(batch)
            if reply.isLate { pace.shrink(batch.bytes) }
            postpone(reason, after: after, offline: offline)
            drain.isOver = true
        case .blocked(let reason):
            await outbox.giveBack(batch)
            block(reason)
            drain.isOver = true
        case .split(let reason, let tooLarge):
            await split(batch, reason, tooLarge: tooLarge, &drain)
        }
    }

    private func split(_ batch: SpanBatch, _ reason: String, tooLarge: Bool, _ drain: inout Drain) async {
        if batch.count > 1 {
            let (first, second) = batch.halves
            drain.parts += [second, first]
            if tooLarge { pace.shrink(batch.bytes) }
            return
        }
        drain.refused.append((batch, reason, drain.delivered.requests))
        refusedInARow += 1
        guard refusedInARow >= options.maxRefusedInARow else { return }
        let count = refusedInARow
        drain.isOver = true
        block("The upstream refused \(count) spans in a row, each by itself: it may be no OTLP endpoint. \(reason)")
    }

    /// Spans that were refused beside others that were taken are sent again, each by itself, between two requests without
    /// spans. One that is refused while both of these are taken is bad; of any other it may have been a login page on the way,
    /// or a proxy that turned everything away for a while.
    ///
    /// To an upstream that has never taken a request without spans, and refuses one right after it has taken spans, those are
    /// bad that it refuses a second time, with others taken in between.
    private func hear(_ exchange: SpanExchange, _ drain: inout Drain) async {
        guard drain.delivered.spans > 0, !drain.refused.isEmpty, !drain.isOver, mayBegin else { return }
        let takesNothing = await isTaking(exchange, &drain)
        guard takesNothing || !hasTakenNothing else { return }
        var left = drain.refused
        drain.refused = []
        while !drain.isOver, mayBegin, let suspect = left.popLast() {
            guard takesNothing || suspect.deliveries < drain.delivered.requests else {
                drain.refused.append(suspect)
                continue
            }
            let reply = await hearing(of: suspect.span, exchange)
            if case .split(let reason, _) = reply.answer {
                if takesNothing, await !isTaking(exchange, &drain) {
                    drain.refused.append(suspect)
                    break
                }
                await quarantine(suspect.span, reason)
            } else {
                await take(reply, for: suspect.span, &drain)
            }
        }
        drain.refused += left
    }

    private func hearing(of span: SpanBatch, _ exchange: SpanExchange) async -> SpanExchange.Reply {
        await withTaskGroup(of: SpanExchange.Reply.self) { group in
            group.addTask { [packer] in await exchange.send(span, packedBy: packer).reply }
            onWaiting?(1)
            return await group.next() ?? SpanExchange.Reply(answer: .retry(reason: "", after: nil, offline: false))
        }
    }

    /// Whether the upstream takes a request without spans now. One that does not may refuse them all, in a way of its own.
    private func isTaking(_ exchange: SpanExchange, _ drain: inout Drain) async -> Bool {
        switch await exchange.sendNothing().answer {
        case .delivered:
            hasTakenNothing = true
            return true
        case .retry(let reason, let after, let offline) where offline || after != nil:
            postpone(reason, after: after, offline: offline)
            drain.isOver = true
            return false
        case .retry, .split, .blocked: return false
        }
    }

    private func quarantine(_ span: SpanBatch, _ reason: String) async {
        logger.error("A span was quarantined", metadata: ["reason": "\(reason)"])
        await outbox.settle(span, .quarantined(reason: reason))
        refusedInARow = 0
    }

    private func finish(_ drain: inout Drain) async {
        for part in drain.parts { await outbox.giveBack(part) }
        for suspect in drain.refused { await outbox.giveBack(suspect.span) }
        guard !drain.isOver, let reason = drain.refused.last?.reason else { return }
        // As well as the spans the upstream may be bad. Others will tell.
        if drain.delivered.spans > 0 {
            postpone("The upstream refuses some of what waits. \(reason)", after: nil, offline: false)
        } else if hasDelivered {
            postpone("The upstream refuses all that waits. \(reason)", after: nil, offline: false)
        } else {
            block("The upstream takes no span at all: it may be no OTLP endpoint. \(reason)")
        }
    }
}
