public import ShopAPI

extension PoolStats.Pool {
    /// As a field of `/stats`.
    public var json: JSONValue {
        .object([
            "active_connections": .int(active_connections),
            "max_connections": .int(max_connections),
            "available_connections": .int(available_connections),
            "waiting": .int(waiting),
            "utilization_percent": .double(utilization_percent),
        ])
    }
}

extension Duration {
    /// As a number of milliseconds, to the microsecond.
    public var milliseconds: Double { (seconds * 1000).rounded(toPlaces: 3) }
}
