import HTTPServer
import Testing

struct LoopbackAuthorityTests {
    @Test(arguments: [
        "localhost", "localhost:8000", "LOCALHOST:1", "shop.localhost", "127.0.0.1", "127.0.0.1:8014", "127.3.2.1",
        "[::1]",
        "[::1]:8000", "",
    ])
    func `names of this machine`(authority: String) {
        #expect(LoopbackAuthority.isLoopback(authority))
    }

    @Test(arguments: [
        "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example",
        "127.0.0.1evil.example",
        "127.evil", "127.0.0", "127.0.0.256", "128.0.0.1", "0.0.0.0", "[::2]", "[::1].evil.example", "[::ffff:7f00:1]",
        "notlocalhost", "localhost@evil.example", "192.168.1.7:8000", " localhost", "[", ":80",
    ])
    func `names of anybody else`(authority: String) {
        #expect(!LoopbackAuthority.isLoopback(authority))
    }

    @Test func `a server on another address is for others too`() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost"] {
            #expect(LoopbackAuthority.isLoopback(listeningOn: host), "\(host)")
        }
        for host in ["0.0.0.0", "::", "", "192.168.1.7", "127.example.com", "example.com"] {
            #expect(!LoopbackAuthority.isLoopback(listeningOn: host), "\(host)")
        }
    }

    @Test func `what names no host is no browser's`() {
        #expect(LoopbackAuthority.isLoopback(nil))
    }
}
