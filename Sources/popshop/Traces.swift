import ArgumentParser
import FoundationEssentials
import OTLP
import ServiceTracing
import Shop
import TelemetryBuffer
import Terminal

struct Traces: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The buffered traces, in the terminal.",
        subcommands: [List.self, Show.self, Export.self],
        defaultSubcommand: List.self
    )

    fileprivate static var style: TerminalStyle { .detect(environment: ProcessInfo.processInfo.environment) }
}

extension PlaceOptions {
    fileprivate func reader() async throws -> TraceReader {
        let path = try await settings().dataDirectory
        try DataDirectory.find(path)
        return TraceReader(directory: Shop.telemetryDirectory(path))
    }
}

extension Traces {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List traces, newest first.")

        @OptionGroup var place: PlaceOptions

        @Option(help: "Only traces in which this service took part.")
        var service: String?

        @Option(parsing: .unconditional, help: ArgumentHelp("Only traces that took at least so long.", valueName: "ms"))
        var minDurationMs: Double?

        @Flag(help: "Only traces with an error.")
        var error = false

        @Option(parsing: .unconditional, help: ArgumentHelp("At most so many, 1 to 1000.", valueName: "n"))
        var limit = 20

        func validate() throws {
            guard (1...1000).contains(limit) else {
                throw ValidationError("--limit must be a whole number from 1 to 1000.")
            }
            if let minDurationMs, !(0...1e12).contains(minDurationMs) {
                throw ValidationError("--min-duration-ms must be a number of milliseconds, 0 or more.")
            }
        }

        func run() async throws {
            let filter = TraceFilter(
                service: service,
                minDuration: minDurationMs,
                errorsOnly: error,
                limit: limit
            )
            let traces = try await place.reader().traces(filter)
            Output.line(
                TraceTable.render(
                    traces,
                    now: SystemTraceClock().wall,
                    style: Traces.style,
                    isFiltered: service != nil || minDurationMs != nil || error
                )
            )
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Draw one trace as a waterfall.")

        @Argument(help: "The trace's id, or its first digits (4 at least).")
        var traceID: String

        @OptionGroup var place: PlaceOptions

        @Flag(help: "With every statement and event.")
        var verbose = false

        func run() async throws {
            let spans: [StoredSpan]
            do {
                spans = try await place.reader().trace(idPrefix: traceID.lowercased())
            } catch let error as TracePrefixError {
                throw Refusal(.usage, error.description)
            }
            guard !spans.isEmpty else { throw Refusal(.dataError, "There is no trace \(traceID) in the buffer.") }
            Output.line(
                Waterfall.render(spans.map { WaterfallSpan($0) }, style: Traces.style, isVerbose: verbose)
            )
        }
    }

    /// How an export is written.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case json = "otlp-json"
        case proto = "otlp-proto"
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write traces as one OTLP ExportTraceServiceRequest, for another machine."
        )

        @Argument(help: ArgumentHelp("The file to write; - is standard output.", valueName: "file"))
        var file: String

        @OptionGroup var place: PlaceOptions

        @Option(help: "otlp-json or otlp-proto.")
        var format: Format = .json

        @Option(help: ArgumentHelp("Only this trace; may be given several times.", valueName: "id"))
        var trace: [String] = []

        func validate() throws {
            for id in trace where TraceID(id.lowercased()) == nil {
                throw ValidationError("--trace must be a trace id of 32 hex digits, and is \(id).")
            }
        }

        func run() async throws {
            let reader = try await place.reader()
            let ids = trace.compactMap { TraceID($0.lowercased()) }
            let file = try ExportFile(file)
            var (count, undecodable) = (0, 0)
            var json = OTLPJSON()
            let unreadable = try await reader.export(ids.isEmpty ? .everything : .traces(ids)) { batch in
                count += batch.spans.count
                switch format {
                case .json:
                    let (text, missing) = json.appendReadable(resource: batch.resource, spans: batch.spans)
                    (count, undecodable) = (count - missing, undecodable + missing)
                    try file.write(text)
                case .proto: try file.write(OTLPEncoder.request(resource: batch.resource, spans: batch.spans))
                }
            }
            if format == .json { try file.write(json.finish()) }
            try file.finish()
            if self.file != "-" { Output.line("\(count) spans are in \(self.file).") }
            let missing = unreadable + undecodable
            guard missing > 0 else { return }
            throw Refusal(.dataError, "Spans that cannot be read from the buffer and are not in it: \(missing).")
        }
    }
}
