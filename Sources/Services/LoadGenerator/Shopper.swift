import FoundationEssentials
import HTTPClient
import HTTPTypes
import ServiceKit
import ServiceTracing
import ShopAPI
import Tracing

/// What a journey came to.
struct JourneyOutcome: Sendable {
    let traceID: TraceID
    /// The steps that were answered, the failing one included.
    var steps: [JourneyAnswer.Step] = []
    /// What ended it early.
    var failure: (any Error)?

    init(traceID: TraceID) { self.traceID = traceID }
}

/// What one step of a journey came to.
struct StepOutcome: Sendable {
    let isCheckout: Bool
    let duration: Duration
    let hasFailed: Bool
}

/// Where in a show an arrival comes: its spans say so, in every service.
struct ShowMoment: Hashable, Sendable {
    let phase: String
    /// Of the scenario's file, from 0.
    let minute: Int

    init(_ timeline: ScenarioTimeline, segment: Int, at offset: Duration) {
        phase = timeline.scenario.phases[segment].name
        minute = timeline.minute(at: offset)
    }
}

/// Makes journeys: one INTERNAL span each, and below it the CLIENT spans of its steps.
struct Shopper: Sendable {
    private let caller: ServiceCaller
    private let tracer: ServiceTracer
    private let clock: any Clock<Duration>

    init(caller: ServiceCaller, tracer: ServiceTracer, clock: any Clock<Duration>) {
        self.caller = caller
        self.tracer = tracer
        self.clock = clock
    }

    /// Makes a journey. A step that fails ends it.
    ///
    /// - Parameters:
    ///   - context: `topLevel` for an arrival, which is a trace of its own.
    ///   - moment: Of the show that it belongs to.
    ///   - onStep: Called as each step ends.
    func make(
        _ journey: PlannedJourney,
        in context: InstrumentationContext,
        at moment: ShowMoment? = nil,
        onStep: @Sendable (StepOutcome) -> Void = { _ in }
    ) async -> JourneyOutcome {
        var context = context
        context.baggage["session.id"] = journey.sessionID
        context.baggage["synthetic_request"] = "true"
        if let moment {
            context.baggage["service.demo_phase"] = moment.phase
            context.baggage["demo.minute"] = "\(moment.minute)"
        }
        let span = tracer.startSpan(
            "journey \(journey.name)",
            context: context,
            attributes: ["journey.name": .string(journey.name), "journey.arrival": .int(journey.arrival)]
        )
        defer { span.end() }
        return await InstrumentationContext.$current.withValue(span.context) {
            var outcome = JourneyOutcome(traceID: span.spanContext.traceID)
            do {
                for step in journey.steps { try await take(step, &outcome, onStep) }
            } catch {
                outcome.failure = error
                let reason = ServiceError(mapping: error)
                span.fail((error as? DownstreamError)?.answeredCode ?? reason.code, "\(error)")
            }
            return outcome
        }
    }

    private func take(
        _ step: PlannedJourney.Step,
        _ outcome: inout JourneyOutcome,
        _ onStep: @Sendable (StepOutcome) -> Void
    ) async throws {
        if step.think > .zero { try await clock.sleep(for: step.think) }
        let watch = Stopwatch(clock)
        var hasFailed = true
        defer {
            onStep(StepOutcome(isCheckout: step.isCheckout, duration: watch.elapsed, hasFailed: hasFailed))
        }
        let request = step.request
        let body = try step.body.map { try JSON.bytes($0) } ?? []
        let response = try await caller.send(step.service, request, body: body)
        outcome.steps.append(
            JourneyAnswer.Step(
                service: step.service,
                method: step.method.rawValue,
                path: request.text,
                status: response.status.code
            )
        )
        if response.status.code >= 400 { throw Self.refusal(step, response) }
        hasFailed = false
    }

    private static func refusal(_ step: PlannedJourney.Step, _ response: IncomingResponse) -> DownstreamError {
        let error = try? JSON.decoder.decode(ErrorMessage.self, from: Data(response.body))
        let request = "\(step.method.rawValue) \(step.template)"
        let code = error.map { " \($0.code)" } ?? ""
        return DownstreamError(
            service: step.service,
            kind: .status(response.status.code, code: error?.code),
            detail: "\(request) answered \(response.status.code)\(code)"
        )
    }
}

extension DownstreamError {
    /// The service's own word for what went wrong.
    fileprivate var answeredCode: String? {
        if case .status(let status, let code) = kind { code ?? "\(status)" } else { nil }
    }
}
