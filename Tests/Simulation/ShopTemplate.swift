import FoundationEssentials
import SQLiteStorage

/// A shop's database with its seed data, made once: each edge begins with a copy.
actor ShopTemplate {
    static let shared = ShopTemplate()

    private var bytes: Data?

    func plant(in directory: String) async throws {
        if bytes == nil {
            let path = Simulation.scratch(0) + ".sqlite"
            let database = try ShopDatabase(path: path, now: 1_760_000_000_000)
            try await database.close()
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            try? FileManager.default.removeItem(atPath: path)
        }
        try bytes?.write(to: URL(fileURLWithPath: directory + "/shop.sqlite"))
    }
}
