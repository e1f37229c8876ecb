import Bridge
import NIOCore
import Synchronization

/// The open connections: bounded in number, by peer, and in bytes that wait to be sent.
///
/// Where there is no room for another connection, the one that has waited longest without a complete request makes
/// room, so that connections that ask nothing cannot keep others out.
final class ConnectionTable: Sendable {
    /// The bounds of the table.
    struct Limits: Sendable {
        /// Connections at a time.
        var connections = 256
        /// Of these, connections of one other machine.
        var perPeer = 64
        /// Of these, connections of one address of this machine; a proxy is one.
        var perLocalPeer = 128
        /// Of these, open pages of one address.
        var streamsPerPeer = 64
        /// Bytes that wait to be sent on one connection.
        var unsent = 4 << 20
        /// Bytes that wait to be sent on all connections together.
        var unsentTotal = 12 << 20
        /// Whether the process may open more descriptors without running out of them.
        var hasDescriptors: @Sendable () -> Bool = { DescriptorLimit.hasHeadroom }

        /// Bytes of a body; the rest of ``unsent`` is for headers.
        var largestAnswer: Int { max(0, unsent - 65_536) }
    }

    /// What a connection does.
    enum Phase: Sendable {
        /// Open, without a complete request yet.
        case new
        /// An answer is made or sent.
        case answering
        /// Answered, and open for another request.
        case idle
        /// It receives events.
        case streaming
    }

    private struct Entry {
        let channel: any Channel
        let peer: String?
        var phase = Phase.new
        /// When the phase began.
        var since = NIODeadline.now()
        var unsent = 0
        /// Since when there are unsent bytes.
        var unsentSince: NIODeadline?
    }

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var unsent = 0

        /// Removes a connection; nil where it is not in the table any more.
        mutating func remove(_ key: ObjectIdentifier) -> Entry? {
            guard let entry = entries.removeValue(forKey: key) else { return nil }
            unsent -= entry.unsent
            return entry
        }
    }

    /// An answer that has not left after so long may be given up for a new connection.
    private static let stalledAfter: TimeAmount = .seconds(5)

    let limits: Limits
    private let state = Mutex(State())

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Connections that are open.
    var count: Int { state.withLock { $0.entries.count } }

    /// Bytes that wait to be sent.
    var unsent: Int { state.withLock { $0.unsent } }

    static func peer(of channel: any Channel) -> String? { channel.remoteAddress?.ipAddress }

    // MARK: Connections

    /// Adds a connection until it is closed; closes another one for it where there is no room.
    ///
    /// - Returns: false where every connection is at work, so that none can make room.
    func admit(_ channel: any Channel) -> Bool {
        let peer = Self.peer(of: channel)
        let key = ObjectIdentifier(channel)
        let isExhausted = !limits.hasDescriptors()
        let (isAdmitted, evicted) = state.withLock { state -> (Bool, [any Channel]) in
            var evicted: [any Channel] = []
            let own = state.entries.values.count { $0.peer == peer }
            if own >= share(of: peer) {
                guard let victim = Self.evictable(state, where: { $0.peer == peer }) else { return (false, []) }
                if let entry = state.remove(victim) { evicted.append(entry.channel) }
            }
            if evicted.isEmpty, isExhausted || state.entries.count >= limits.connections {
                guard let victim = Self.evictable(state, where: { _ in true }) else { return (false, []) }
                if let entry = state.remove(victim) { evicted.append(entry.channel) }
            }
            state.entries[key] = Entry(channel: channel, peer: peer)
            return (true, evicted)
        }
        for other in evicted { other.close(promise: nil) }
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { [weak self] _ in _ = self?.state.withLock { $0.remove(key) } }
        return true
    }

    /// Closes the connection that makes room first, if there is one.
    func makeRoom() {
        let entry = state.withLock { state in
            Self.evictable(state, where: { _ in true }).flatMap { state.remove($0) }
        }
        entry?.channel.close(promise: nil)
    }

    private func share(of peer: String?) -> Int {
        guard let peer else { return limits.perLocalPeer }
        return peer.hasPrefix("127.") || peer == "::1" || peer.hasPrefix("::ffff:127.")
            ? limits.perLocalPeer : limits.perPeer
    }

    /// The connection that makes room first: the oldest without a request, then the one that is idle longest, then the
    /// one whose answer is stuck longest.
    private static func evictable(_ state: State, where isCandidate: (Entry) -> Bool) -> ObjectIdentifier? {
        let stalled = NIODeadline.now() - stalledAfter
        func rank(_ entry: Entry) -> Int? {
            switch entry.phase {
            case .new: 0
            case .idle: 1
            case .answering, .streaming: entry.unsentSince.map { $0 < stalled } == true ? 2 : nil
            }
        }
        return state.entries.compactMap { key, entry -> (key: ObjectIdentifier, rank: Int, since: NIODeadline)? in
            isCandidate(entry) ? rank(entry).map { (key: key, rank: $0, since: entry.since) } : nil
        }.min { ($0.rank, $0.since) < ($1.rank, $1.since) }?.key
    }

    // MARK: Phases

    /// A connection begins something else.
    func enter(_ phase: Phase, _ channel: any Channel) {
        state.withLock { state in
            state.entries[ObjectIdentifier(channel)]?.phase = phase
            state.entries[ObjectIdentifier(channel)]?.since = .now()
        }
    }

    /// Whether one more open page of this connection's peer is allowed; counts it.
    func enterStreaming(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        return state.withLock { state in
            guard let peer = state.entries[key]?.peer else { return true }
            let open = state.entries.values.count { $0.phase == .streaming && $0.peer == peer }
            guard open < limits.streamsPerPeer else { return false }
            state.entries[key]?.phase = .streaming
            state.entries[key]?.since = .now()
            return true
        }
    }

    // MARK: Unsent bytes

    /// Counts bytes that are handed to a connection's socket.
    ///
    /// Above the bound of one connection that connection is closed; above the bound of all of them those are closed
    /// whose bytes have waited longest.
    func addUnsent(_ count: Int, _ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        let evicted = state.withLock { state -> [any Channel] in
            guard state.entries[key] != nil else { return [] }
            state.unsent += count
            state.entries[key]?.unsent += count
            if state.entries[key]?.unsentSince == nil { state.entries[key]?.unsentSince = .now() }
            var evicted: [any Channel] = []
            if (state.entries[key]?.unsent ?? 0) > limits.unsent, let entry = state.remove(key) {
                evicted.append(entry.channel)
            }
            while state.unsent > limits.unsentTotal {
                let waiting = state.entries.compactMap { key, entry in entry.unsentSince.map { (key: key, since: $0) } }
                guard let oldest = waiting.min(by: { $0.since < $1.since }), let entry = state.remove(oldest.key) else {
                    break
                }
                evicted.append(entry.channel)
            }
            return evicted
        }
        for channel in evicted { channel.close(promise: nil) }
    }

    /// Bytes were sent, or given up.
    func removeUnsent(_ count: Int, _ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        state.withLock { state in
            guard let unsent = state.entries[key]?.unsent else { return }
            let sent = min(count, unsent)
            state.unsent -= sent
            state.entries[key]?.unsent = unsent - sent
            // What is left has waited since the socket took something.
            state.entries[key]?.unsentSince = unsent > sent ? .now() : nil
        }
    }
}

/// Counts what is written to a connection until the socket has taken it.
final class UnsentCounter: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let table: ConnectionTable

    init(_ table: ConnectionTable) { self.table = table }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let size = Self.unwrapOutboundIn(data).readableBytes
        guard size > 0 else {
            context.write(data, promise: promise)
            return
        }
        let (table, channel) = (table, context.channel)
        let sent = promise ?? context.eventLoop.makePromise()
        sent.futureResult.whenComplete { _ in table.removeUnsent(size, channel) }
        table.addUnsent(size, channel)
        context.write(data, promise: sent)
    }
}
