import Logging
import ServiceTracing

/// Logs go to stderr, each line with the trace it belongs to; stdout is for what a person asked to see.
enum Logs {
    static func start(_ level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap(
            { label, provider in
                var handler = StreamLogHandler.standardError(label: label, metadataProvider: provider)
                handler.logLevel = level
                return handler
            },
            metadataProvider: .traceContext
        )
        return Logger(label: "popshop")
    }
}
