public import Commerce
import OTLPReceiver
public import ServiceKit
public import ShopAPI

/// What a command line decides.
public struct ShopOptions: Sendable {
    /// The services to run in this process.
    public var services: Set<ServiceName>
    public var host: String
    /// Added to every port.
    public var portOffset: Int
    /// Background journeys a minute; 0 = none.
    public var trafficPerMinute: Int
    /// Nil leaves the stored mode as it is.
    public var mode: DemoMode?
    /// Of the load generator: the same seed plays the same show.
    public var seed: UInt64
    /// Whether the supplier delivers what the stock cannot fill.
    public var restocks: Bool
    /// Whether to start with the uplink switched off.
    public var startsOffline: Bool
    /// Whether other processes may send their spans here, by OTLP/HTTP.
    public var receivesSpans: Bool

    public init(
        services: Set<ServiceName> = Set(ServiceName.allCases),
        host: String = "127.0.0.1",
        portOffset: Int = 0,
        trafficPerMinute: Int = 0,
        mode: DemoMode? = nil,
        seed: UInt64 = 1,
        restocks: Bool = true,
        startsOffline: Bool = false,
        receivesSpans: Bool = false
    ) {
        self.services = services
        self.host = host
        self.portOffset = portOffset
        self.trafficPerMinute = trafficPerMinute
        self.mode = mode
        self.seed = seed
        self.restocks = restocks
        self.startsOffline = startsOffline
        self.receivesSpans = receivesSpans
    }

    /// Where a service of this process listens.
    public func address(of service: ServiceName) -> ListenAddress {
        ListenAddress(host: host, port: service.port + portOffset)
    }

    /// Where spans are received.
    var receiverAddress: ListenAddress { ListenAddress(host: host, port: OTLPReceiver.port + portOffset) }

    /// What a person on this machine puts into a browser for a service.
    public func localURL(of service: ServiceName) -> String {
        let anywhere = ["0.0.0.0", "::"].contains(host)
        return ServiceURLs(host: anywhere ? "127.0.0.1" : host, portOffset: portOffset)[service]
    }
}
