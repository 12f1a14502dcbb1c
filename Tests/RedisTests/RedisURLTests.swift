import RedisClient
import Testing

struct RedisURLTests {
    @Test(
        "A URL names host, port, database or socket",
        arguments: [
            ("redis://cache", RedisURL.Place.tcp(host: "cache", port: 6379), 0),
            ("redis://cache:7000", .tcp(host: "cache", port: 7000), 0),
            ("redis://cache:7000/", .tcp(host: "cache", port: 7000), 0),
            ("redis://cache/3", .tcp(host: "cache", port: 6379), 3),
            ("redis://shop:p%40ss@10.0.0.1:6380/15", .tcp(host: "10.0.0.1", port: 6380), 15),
            ("redis://:p@ss@cache", .tcp(host: "cache", port: 6379), 0),
            ("redis://[::1]:7000/1", .tcp(host: "::1", port: 7000), 1),
            ("redis://[fe80::1]", .tcp(host: "fe80::1", port: 6379), 0),
            ("redis+unix:///run/redis.sock", .unix(path: "/run/redis.sock"), 0),
            ("redis+unix://u:p@/run/a%20b.sock?db=4", .unix(path: "/run/a b.sock"), 4),
            ("unix:///run/redis.sock", .unix(path: "/run/redis.sock"), 0),
        ]
    )
    func good(text: String, place: RedisURL.Place, database: Int) throws {
        let url = try RedisURL(text)
        #expect(url.place == place && url.database == database)
    }

    @Test(
        "What is no such URL is refused, in a sentence that does not repeat it",
        arguments: [
            "", "cache", "cache:6379", "http://hunter2", "redis://", "redis:///0", "redis://cache:0",
            "redis://cache:65536", "redis://cache:hunter2", "redis://cache/hunter2", "redis://cache/-1",
            "redis://cache/1/2", "redis://cache/99999999999999999999", "redis://hunter2@cache", "redis://a b",
            "redis://:hunter2%4@cache", "redis://:hunter2%ff@cache", "redis://[::1", "redis://[::1]hunter2",
            "redis+unix://hunter2", "redis+unix:///a%00hunter2", "redis+unix:///a?hunter2=1", "redis+unix:///a?db=x",
            "redis://cache?db=1",
        ]
    )
    func bad(text: String) {
        let error = #expect(throws: RedisError.self) { try RedisURL(text) }
        #expect(error?.code == .invalidURL && error?.message.contains("hunter2") == false)
    }

    @Test("TLS is refused, and the way to have it is named")
    func encrypted() {
        let error = #expect(throws: RedisError.self) { try RedisURL("rediss://:hunter2@cache:6380") }
        #expect(error?.code == .invalidURL && error?.message.contains("sidecar") == true)
    }

    @Test("Neither description nor dump shows the password")
    func secret() throws {
        let configuration = try RedisConfiguration(url: "redis://shop:hunter2@cache:7000/2")
        var text = "\(configuration.url)"
        #expect(text == "Redis at cache:7000")
        dump(configuration, to: &text)
        #expect(!text.contains("hunter2") && !String(reflecting: configuration).contains("hunter2"))
    }
}
