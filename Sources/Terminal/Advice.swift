import ConsoleAPI

/// One sentence for each thing that a person can put right. A lane that goes on by itself needs none.
enum Advice {
    static func forState(_ lane: StatusText.Lane, _ network: StatusMessage.Network) -> [String] {
        switch lane.state {
        case .disabled:
            return [
                lane.name == "orders"
                    ? "Set SYNC_DATABASE_URL to push orders to a Postgres."
                    : "Set CX_TOKEN, or OTEL_EXPORTER_OTLP_ENDPOINT, to send spans; `popshop traces` shows them meanwhile."
            ]
        case .offline:
            return [
                network.switched_off
                    ? "Switch Network on again in the console: sending goes on at once."
                    : "Nothing to do: everything waits on disk, and sending goes on when the network is back."
            ]
        case .blocked:
            return ["Nothing is lost: everything waits on disk, and sending goes on once that is put right."]
        case .idle, .draining, .backingOff:
            return []
        }
    }

    static func forOrders(_ orders: OrdersLane) -> [String] {
        var advice: [String] = []
        if orders.rejected > 0 {
            advice.append("The upstream can never take the rejected ones: look for a product that it does not know.")
        }
        if orders.quarantined > 0 {
            advice.append("Quarantined ones met their own id upstream with another content: look at them.")
        }
        return advice
    }

    static func forSpans(_ spans: SpansLane) -> [String] {
        var advice: [String] = []
        if spans.expired > 0 {
            advice.append("Expired ones are too old to be sent as they are: `popshop sync --retime` moves them to now.")
        }
        if spans.evicted > 0 {
            advice.append("Evicted ones made room before they were sent: raise TELEMETRY_BUFFER_MAX_BYTES.")
        }
        if spans.dropped > 0 {
            advice.append("Dropped ones came faster than the disk could take them: lower --traffic.")
        }
        if spans.rejected + spans.quarantined > 0 {
            advice.append("The backend refused some for good: the log of the sync says which and why.")
        }
        return advice
    }
}
