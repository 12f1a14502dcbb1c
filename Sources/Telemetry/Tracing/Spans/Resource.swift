/// Who makes a tracer's spans: one a service, also where eight services share a process.
///
/// A class, so that a thousand spans share one and "the same resource" is one comparison of pointers.
public final class Resource: Sendable {
    /// `service.name`, `host.name`, `cx.application.name`… (semantic conventions, *Resource*).
    public let attributes: Attributes
    /// `service.name`, which every resource has.
    public let serviceName: String

    /// A resource without `service.name` is named `unknown_service`, as the specification says.
    public init(attributes: Attributes) {
        if case .string(let name)? = attributes["service.name"] {
            serviceName = name
            self.attributes = attributes
        } else {
            serviceName = "unknown_service"
            var named = attributes
            named["service.name"] = .string("unknown_service")
            self.attributes = named
        }
    }
}
