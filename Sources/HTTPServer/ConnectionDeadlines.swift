import NIOCore
import NIOHTTPTypes

/// Closes a connection that would be held for as long as its client likes: by a first head or a body that comes a byte at a
/// time, or by an answer that is not read. Idleness between two requests is Hummingbird's own to notice.
final class ConnectionDeadlines: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let firstHead: TimeAmount
    private let body: TimeAmount
    private let stall: TimeAmount
    private var bodyBegan: NIODeadline?
    /// What closes the connection unless it is cancelled before: while the first head is awaited, and while nobody reads.
    private var headless: Scheduled<Void>?
    private var stalled: Scheduled<Void>?

    init(_ limits: ServerLimits) {
        firstHead = TimeAmount(limits.firstHead)
        body = TimeAmount(limits.body)
        stall = TimeAmount(limits.stall)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { awaitFirstHead(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        awaitFirstHead(context)
        context.fireChannelActive()
    }

    private func awaitFirstHead(_ context: ChannelHandlerContext) {
        headless = headless ?? close(context, in: firstHead)
    }

    private func close(_ context: ChannelHandlerContext, in time: TimeAmount) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    /// Looked at when a part of a body comes, and without a timer of its own: one that does not come at all is idle.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            headless?.cancel()
            bodyBegan = nil
        case .end: bodyBegan = nil
        case .body:
            let now = context.eventLoop.now
            guard now - (bodyBegan ?? now) <= body else {
                context.close(promise: nil)
                return
            }
            bodyBegan = bodyBegan ?? now
        }
        context.fireChannelRead(data)
    }

    /// Not writable is a connection whose buffers are full.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stalled?.cancel()
            stalled = nil
        } else if stalled == nil {
            stalled = close(context, in: stall)
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        handlerRemoved(context: context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        headless?.cancel()
        stalled?.cancel()
    }
}
