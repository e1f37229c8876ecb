import NIOCore

/// Counts the bytes of a request before anybody reads them: one that is longer than a request for a page can be is
/// refused, whatever is in it.
final class HeadLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Tells the handlers behind that the first bytes of a request came.
    struct RequestStarted {}

    /// Bytes of a request line and its headers.
    static let limit = 20_480

    private let site: WebSite
    private var count = 0
    /// How often the socket gave bytes.
    private(set) var reads = 0

    init(site: WebSite) { self.site = site }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if count == 0 { context.fireUserInboundEventTriggered(RequestStarted()) }
        reads &+= 1
        count += Self.unwrapInboundIn(data).readableBytes
        guard count <= Self.limit else {
            site.refuse(.tooLarge, context.channel)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }

    /// A request was read to its end.
    func reset() { count = 0 }
}
