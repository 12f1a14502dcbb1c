/// A product's number, 1 and up.
public struct ProductID: RawRepresentable, Hashable, Comparable, Codable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }
    public init(_ rawValue: Int) { self.rawValue = rawValue }

    public static func < (left: ProductID, right: ProductID) -> Bool { left.rawValue < right.rawValue }
}

/// An ad's number, 1 and up.
public struct AdID: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }
}

/// The name a client gives its cart.
public struct CartID: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
}

/// The name of a shopper.
public struct UserID: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
}

/// What names chosen by clients must be: something a log line and an index can bear.
public enum ClientName {
    /// In UTF-8 bytes.
    public static let lengths = 1...128

    /// Whether the name has a fitting length and no control characters.
    public static func isValid(_ name: String) -> Bool {
        lengths.contains(name.utf8.count) && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
}
