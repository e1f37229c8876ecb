import NIOCore

/// Counts the bytes of a request before anybody reads them: one that is longer than a request for a page can be is
/// refused, whatever is in it.
final class HeadLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Said by the handler behind when a request was read to its end.
    struct RequestEnded {}

    /// Bytes of a request line and its headers.
    static let limit = 20_480

    private let site: WebSite
    private var count = 0

    init(site: WebSite) { self.site = site }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += Self.unwrapInboundIn(data).readableBytes
        guard count <= Self.limit else {
            site.refuse(.tooLarge, context.channel)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        context.triggerUserOutboundEvent(event, promise: promise)
    }

    /// A request was read to its end.
    func reset() { count = 0 }
}
