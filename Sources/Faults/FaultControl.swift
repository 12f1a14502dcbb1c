public import Commerce

/// The one hand on all fault switches. Every service, replicas included, follows within a second; those of this process
/// at once.
public protocol FaultControl: Sendable {
    /// What is on now, without what has ended by itself.
    ///
    /// - Throws: `StorageError`.
    func settings() async throws -> FaultSet

    /// Switches on, or changes, all of them or none. What `FaultSetting.checked` makes can be given as it is.
    ///
    /// - Throws: `StorageError`.
    func set(_ settings: [FaultSetting]) async throws

    /// Switches a fault off, whoever has switched it on.
    ///
    /// - Parameter services: Nil for everywhere.
    /// - Throws: `StorageError`.
    func clear(_ name: FaultName, services: [String]?) async throws

    /// Switches these off as their origin has set them; what another has set of the same faults acts then.
    ///
    /// - Throws: `StorageError`.
    func clear(_ settings: [FaultSetting]) async throws

    /// Switches everything off that one origin has switched on: what a scenario does when it stops.
    ///
    /// - Throws: `StorageError`.
    func clear(setBy origin: FaultOrigin) async throws

    /// Switches everything off; the mode is `normal` then, since a mode is a set of faults.
    ///
    /// - Throws: `StorageError`.
    func reset() async throws

    /// The mode that is set.
    ///
    /// - Throws: `StorageError`.
    func mode() async throws -> DemoMode

    /// Switches on what the mode is made of, and off what the mode before it was.
    ///
    /// - Throws: `StorageError`.
    func setMode(_ mode: DemoMode) async throws
}
