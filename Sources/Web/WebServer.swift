public import Bridge
import Glibc
public import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The page, the interface for programs and the metrics, on one thread of their own.
///
/// It looks at the bridge by asking for snapshots and reads the history's file; it changes nothing, and nothing here
/// can hold the bridge up.
public final class WebServer: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isStopped = false
    }

    private let address: ListenAddress
    private let isDefault: Bool
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let site: WebSite
    private let log: Logger
    private let state = Mutex(State())

    /// A server that does not listen yet; nil where the configuration wants none.
    ///
    /// - Parameters:
    ///   - mailbox: the daemon's.
    ///   - ring: the last records of the log; nil: none are shown.
    public convenience init?(_ configuration: Configuration, mailbox: Mailbox, ring: LogRing?, log: Logger) {
        self.init(configuration, mailbox: mailbox, ring: ring, log: log, patience: Patience())
    }

    init?(
        _ configuration: Configuration, mailbox: Mailbox, ring: LogRing?, log: Logger, patience: Patience,
        limits: ConnectionTable.Limits = .init()
    ) {
        guard let address = ListenAddress(configuration.web.listen) else { return nil }
        self.address = address
        isDefault = configuration.web.listen == Configuration.Web.defaultListen
        self.log = log
        site = WebSite(
            configuration, loop: group.next(), mailbox: mailbox, ring: ring, log: log, patience: patience,
            limits: limits)
    }

    /// Begins to listen. Where the address is taken it is said in the log once, and the bridge goes on without.
    ///
    /// - Returns: the address of the page, `http://127.0.0.1:8070/`; nil if there is none.
    @discardableResult
    public func start() -> String? {
        do {
            let channel = try bind().wait()
            state.withLock { $0.channel = channel }
            site.begin()
            let url = "http://" + address.with(port: channel.localAddress?.port ?? address.port) + "/"
            log.notice("the page is served", metadata: ["address": .string(url)])
            return url
        } catch {
            complain(error)
            return nil
        }
    }

    /// Ends every connection and the thread.
    public func stop() {
        let channel = state.withLock { state -> (any Channel)? in
            guard !state.isStopped else { return nil }
            state.isStopped = true
            return state.channel
        }
        try? channel?.close().wait()
        site.end()
        try? group.syncShutdownGracefully()
    }

    private func bind() -> EventLoopFuture<any Channel> {
        let site = site
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                // Without descriptors a connection cannot be accepted and stays readable: wait, instead of trying again
                // at once, and close one that asks nothing.
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { _ in
                            site.connections.makeRoom()
                            return .milliseconds(500)
                        })
                }
            }
            // What the kernel takes for a client that does not read counts too.
            .childChannelOption(.socketOption(.so_sndbuf), value: 131_072)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
            .childChannelOption(
                .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 16_384, high: 65_536)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.configure(channel, site) }
            }
            .bind(host: address.host, port: address.port)
    }

    /// Sets up the handlers of a connection.
    static func configure(_ channel: any Channel, _ site: WebSite) throws {
        guard site.admit(channel) else {
            channel.close(promise: nil)
            return
        }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 8192
        limits.maxHeaderListSize = 16_384
        limits.maxHeaderFieldCount = 64
        let pipeline = channel.pipeline.syncOperations
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: limits)
        try pipeline.addHandler(UnsentCounter(site.connections))
        let headLimit = HeadLimit(site: site)
        try pipeline.addHandler(headLimit)
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(HTTPServerPipelineHandler())
        try pipeline.addHandler(RequestHandler(site: site, headLimit: headLimit))
    }

    private func complain(_ error: any Error) {
        let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
        let metadata: Logger.Metadata = ["address": .string(address.description), "reason": .string(reason)]
        // Of several bridges on one machine one has the usual address, and the others have not been told another.
        if isDefault {
            log.notice("no page is served; give web.listen another address, or \"\" for none", metadata: metadata)
        } else {
            log.error("no page is served", metadata: metadata)
        }
    }
}
