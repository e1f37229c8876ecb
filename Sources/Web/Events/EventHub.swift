import Bridge
import NIOCore
import NIOHTTP1
import Synchronization

/// Tells all open pages how everything is, once a second, in the same bytes for all of them.
///
/// Every event holds the whole state: whoever missed some, or comes back, needs no other. A page that does not take
/// what it is sent misses events, and is closed after a while; the others and the bridge do not notice.
final class EventHub: Sendable {
    private struct Listener {
        let channel: any Channel
        let wantsHealth: Bool
        /// Since when it takes nothing more.
        var stuckSince: NIODeadline?
    }

    private struct State {
        var listeners: [ObjectIdentifier: Listener] = [:]
        var ticking: RepeatedTask?
        var number = 0
    }

    static let limit = 128
    static let period: TimeAmount = .seconds(1)
    /// Of so many ticks one carries the health as well.
    private static let healthTicks = 2

    private let loop: any EventLoop
    private let patience: TimeAmount
    private let desk: SnapshotDesk
    private let noise: NoiseRecord
    private let ring: LogRing?
    private let state = Mutex(State())

    init(loop: any EventLoop, desk: SnapshotDesk, noise: NoiseRecord, ring: LogRing?, patience: TimeAmount) {
        self.loop = loop
        self.patience = patience
        self.desk = desk
        self.noise = noise
        self.ring = ring
    }

    /// How many pages listen.
    var count: Int { state.withLock { $0.listeners.count } }

    var hasRoom: Bool { count < Self.limit }

    /// A page listens from now on, until its connection ends.
    func add(_ channel: any Channel, wantsHealth: Bool) {
        let key = ObjectIdentifier(channel)
        let isFirst = state.withLock { state in
            state.listeners[key] = Listener(channel: channel, wantsHealth: wantsHealth)
            return state.ticking == nil
        }
        channel.closeFuture.whenComplete { [weak self] _ in self?.remove(key) }
        desk.snapshot().whenSuccess { [weak self] snapshot in
            guard let self else { return }
            // What comes first says how soon to come back.
            send(ByteBuffer(string: "retry: 2000\n\n"), to: channel)
            send(event("now", NowDocument.text(snapshot)), to: channel)
            if wantsHealth { send(event("health", health(snapshot)), to: channel) }
        }
        guard isFirst else { return }
        let task = loop.scheduleRepeatedTask(initialDelay: Self.period, delay: Self.period) { [weak self] _ in
            self?.tick()
        }
        state.withLock { $0.ticking = task }
    }

    /// No more events.
    func end() { state.withLock { $0.ticking }?.cancel() }

    private func remove(_ key: ObjectIdentifier) {
        // While nobody looks nothing is asked.
        let idle = state.withLock { state -> RepeatedTask? in
            state.listeners[key] = nil
            guard state.listeners.isEmpty else { return nil }
            defer { state.ticking = nil }
            return state.ticking
        }
        idle?.cancel()
    }

    private func tick() {
        desk.snapshot().whenSuccess { [weak self] in self?.tell($0) }
    }

    /// Tells every page that takes it.
    func tell(_ snapshot: BridgeSnapshot) {
        let (listeners, number) = state.withLock { state in
            state.number += 1
            return (state.listeners, state.number)
        }
        let now = event("now", NowDocument.text(snapshot), number)
        let isHealthTick = number.isMultiple(of: Self.healthTicks) && listeners.values.contains(where: \.wantsHealth)
        let health = isHealthTick ? event("health", health(snapshot)) : nil
        for (key, listener) in listeners {
            guard listener.channel.isWritable else {
                lose(key, listener)
                continue
            }
            if listener.stuckSince != nil { state.withLock { $0.listeners[key]?.stuckSince = nil } }
            send(now, to: listener.channel)
            if let health, listener.wantsHealth { send(health, to: listener.channel) }
        }
    }

    private func lose(_ key: ObjectIdentifier, _ listener: Listener) {
        guard let since = listener.stuckSince else {
            state.withLock { $0.listeners[key]?.stuckSince = .now() }
            return
        }
        if .now() - since >= patience { listener.channel.close(promise: nil) }
    }

    private func health(_ snapshot: BridgeSnapshot) -> String {
        HealthDocument.text(snapshot, noise: noise.minutes(upTo: snapshot), lastRecord: ring?.last)
    }

    private func event(_ name: String, _ data: String, _ number: Int? = nil) -> ByteBuffer {
        ByteBuffer(string: (number.map { "id: \($0)\n" } ?? "") + "event: \(name)\ndata: \(data)\n\n")
    }

    private func send(_ bytes: ByteBuffer, to channel: any Channel) {
        channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(bytes)), promise: nil)
    }
}
