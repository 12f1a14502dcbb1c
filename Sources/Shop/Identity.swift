import FoundationEssentials
import ServiceTracing
import ShopAPI

#if canImport(Glibc)
    import Glibc
#endif

/// Who each service says it is on its spans (semantic conventions, *Resource*).
struct Identity: Sendable {
    static let version = "1.0.0"

    let settings: Settings
    private let host: String
    /// Told apart from every other run.
    private let instance: String

    init(_ settings: Settings) {
        self.settings = settings
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        instance = UUID().uuidString.lowercased()
    }

    func resource(_ service: String) -> Resource {
        var attributes: Attributes = [
            "deployment.environment.name": settings.storage == .postgres ? "cloud" : "edge"
        ]
        // The specification lets the environment add to what the code knows, not contradict it.
        for (key, value) in settings.resourceAttributes { attributes[key] = .string(value) }
        attributes.merge([
            "service.name": .string(service),
            "service.version": .string(Self.version),
            "service.namespace": "popshop",
            "service.instance.id": .string("\(instance)/\(service)"),
            "telemetry.sdk.name": "popshop",
            "telemetry.sdk.language": "swift",
            "telemetry.sdk.version": .string(Self.version),
            "host.name": .string(host),
            "process.pid": .int(Int64(getpid())),
            "cx.application.name": .string(settings.applicationName),
            "cx.subsystem.name": .string(settings.subsystemName ?? service),
        ])
        return Resource(attributes: attributes)
    }
}
