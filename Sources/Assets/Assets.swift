import CAssets

/// The files of `schema/`, `fixtures/` and the console's pages, compiled into the binary.
public struct Asset: Sendable {
    /// The path from the top of the repository, such as `schema/sqlite/shop/001_shop.sql`.
    public let path: String
    /// What the file held when this was compiled.
    public let bytes: [UInt8]

    /// The bytes as UTF-8 text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The file at a path; nil when there is none.
    public static func at(_ path: String) -> Asset? {
        all.first { $0.path == path }
    }

    /// The files under a folder and its folders, ordered by path.
    public static func under(_ folder: String) -> [Asset] {
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return all.filter { $0.path.hasPrefix(prefix) }
    }

    /// Every file, ordered by path.
    public static let all: [Asset] = {
        var count = 0
        let assets = UnsafeBufferPointer(start: popshop_assets(&count), count: count)
        return assets.map(Asset.init).sorted { $0.path < $1.path }
    }()

    private init(_ asset: popshop_asset) {
        path = String(cString: asset.path)
        bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.length))
    }
}
