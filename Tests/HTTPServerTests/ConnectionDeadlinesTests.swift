import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import HTTPServer

/// On a clock set by hand.
struct ConnectionDeadlinesTests {
    private static let head = HTTPRequestPart.head(
        HTTPRequest(method: .post, scheme: "http", authority: "a", path: "/")
    )
    private static let byte = HTTPRequestPart.body(ByteBuffer(string: " "))

    private let channel: EmbeddedChannel

    init() throws {
        var limits = ServerLimits()
        (limits.firstHead, limits.body, limits.stall) = (.seconds(20), .seconds(30), .seconds(40))
        channel = EmbeddedChannel(handler: ConnectionDeadlines(limits))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func pass(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    @Test func `a connection whose first head does not come is closed`() {
        pass(19)
        #expect(channel.isActive)
        pass(1)
        #expect(!channel.isActive)
    }

    @Test func `one whose head has come is not, also when the next is long in coming`() throws {
        pass(19)
        try channel.writeInbound(Self.head)
        try channel.writeInbound(HTTPRequestPart.end(nil))
        pass(1000)
        #expect(channel.isActive)
    }

    @Test func `a body that comes a byte at a time is not waited for`() throws {
        try channel.writeInbound(Self.head)
        for _ in 0..<31 {
            try channel.writeInbound(Self.byte)
            #expect(channel.isActive)
            pass(1)
        }
        try channel.writeInbound(Self.byte)
        #expect(!channel.isActive)
    }

    @Test func `each body has its own time`() throws {
        for _ in 0..<4 {
            try channel.writeInbound(Self.head)
            try channel.writeInbound(Self.byte)
            pass(29)
            try channel.writeInbound(Self.byte)
            try channel.writeInbound(HTTPRequestPart.end(nil))
        }
        #expect(channel.isActive)
    }

    @Test func `an answer that nobody reads is given up, and one that is read slowly is not`() throws {
        try channel.writeInbound(Self.head)
        for _ in 0..<3 {
            channel.isWritable = false
            channel.pipeline.fireChannelWritabilityChanged()
            pass(39)
            channel.isWritable = true
            channel.pipeline.fireChannelWritabilityChanged()
        }
        #expect(channel.isActive)
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        channel.pipeline.fireChannelWritabilityChanged()
        pass(40)
        #expect(!channel.isActive)
    }
}
