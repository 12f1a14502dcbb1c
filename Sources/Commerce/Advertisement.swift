/// An ad and how often it is clicked.
public struct Advertisement: Hashable, Sendable {
    public let id: AdID
    public let title: String
    public let category: String
    /// The click-through rate expected of it, 0…1.
    public let ctr: Double

    public init(id: AdID, title: String, category: String, ctr: Double) {
        self.id = id
        self.title = title
        self.category = category
        self.ctr = ctr
    }
}

/// How the whole shop behaves: a stored setting that every service follows.
public enum DemoMode: String, CaseIterable, Codable, Hashable, Sendable {
    case normal, blackfriday
}
