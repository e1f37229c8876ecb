import CLinux
import Glibc
import Synchronization

/// One broker as the publishers see it: they hand over, and what it should not get, cannot get now or gets later is
/// decided here.
final class BrokerLink: Sendable {
    /// What a broker is to be given.
    struct Manners: Sendable {
        /// Which topics.
        var send: [TopicFilter]
        /// Of which topics no value is to be lost.
        var samples: [TopicFilter]
        /// How many topics, and how many samples, may wait.
        var queue: Int
        var sampleLimit: Int
        /// How long a value that the broker does not keep is worth sending.
        var lifetime: Duration
    }

    private struct State {
        var outbox: Outbox
        /// Something was queued since the last flush.
        var isQueued = false
        /// Connected, and what it missed has not been published yet.
        var isFresh = false
    }

    /// So that the client's handler, which is made first, finds the link.
    private final class Relay: Sendable {
        private struct Target {
            weak var link: BrokerLink?
        }
        private let target = Mutex(Target())
        func aim(at link: BrokerLink) { target.withLock { $0.link = link } }
        func pass(_ event: MQTTClient.Event) { target.withLock { $0.link }?.handle(event) }
    }

    let client: MQTTClient
    private let manners: Manners
    private let takesEverything: Bool
    private let state: Mutex<State>
    private let report: @Sendable (BrokerLink, MQTTClient.Event) -> Void

    /// A link that is not connected yet.
    ///
    /// - Parameter report: is told every event, on the client's thread; it must not block.
    init(
        settings: MQTTClient.Settings, manners: Manners, resolveLocal: (@Sendable (String) -> String?)? = nil,
        report: @escaping @Sendable (BrokerLink, MQTTClient.Event) -> Void
    ) {
        let relay = Relay()
        client = MQTTClient(settings: settings, resolveLocal: resolveLocal) { relay.pass($0) }
        self.manners = manners
        self.report = report
        takesEverything = manners.send.contains { $0 == TopicFilter("#") }
        state = Mutex(
            State(
                outbox: Outbox(
                    limit: manners.queue, sampleLimit: manners.sampleLimit, lifetime: manners.lifetime)))
        relay.aim(at: self)
    }

    /// Whether it is connected and waits to be told everything.
    var isFresh: Bool { state.withLock { $0.isFresh } }

    /// What waits and what was dropped, for health.
    var waiting: (topics: Int, samples: Int, dropped: Int) {
        state.withLock { ($0.outbox.heldCount, $0.outbox.sampleCount, $0.outbox.dropped) }
    }

    /// Queues a message for the next ``flush()``, or keeps it for later, or drops it if this broker is not to have it.
    /// False if it can never be sent.
    func queue(_ message: MQTTClient.Message) -> Bool {
        guard takesEverything || manners.send.contains(where: { $0.matches(message.topic) }) else { return true }
        // The lock is held over the call, so that what is drained at the same time cannot come after it.
        return state.withLock { state in
            switch client.isReady ? client.queue(message) : .offline {
            case .accepted:
                state.isQueued = true
                state.outbox.forget(message.topic)
                return true
            case .invalid:
                return false
            case .offline, .full:
                state.outbox.hold(message, at: .now)
                if manners.samples.contains(where: { $0.matches(message.topic) }) {
                    state.outbox.addSample(message, time: Self.wallTime())
                }
                return true
            }
        }
    }

    /// The same, and sends it.
    func publish(_ message: MQTTClient.Message) -> Bool {
        defer { flush() }
        return queue(message)
    }

    /// Sends what was queued since the last time; a turn of the loop that publishes much wakes nobody for each of it.
    func flush() {
        let isQueued = state.withLock { state in
            defer { state.isQueued = false }
            return state.isQueued
        }
        if isQueued { client.flush() }
    }

    /// Sends a message now or never, for what is of no use later. From any thread.
    func publishNow(_ message: MQTTClient.Message) {
        if client.isReady { _ = client.publish(message) }
    }

    /// Everything current was published: sends what else waited.
    func release() {
        state.withLock { state in
            guard state.isFresh else { return }
            state.isFresh = false
            state.outbox.drain(at: .now) { client.publish($0) }
        }
    }

    private func handle(_ event: MQTTClient.Event) {
        switch event {
        case .connected: state.withLock { $0.isFresh = true }
        case .disconnected: state.withLock { $0.isFresh = false }
        case .drained:
            state.withLock { state in
                if !state.isFresh { state.outbox.drain(at: .now) { client.publish($0) } }
            }
        default: break
        }
        report(self, event)
    }

    private static func wallTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
