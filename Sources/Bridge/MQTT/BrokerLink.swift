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
        /// The first part of the topics of announcements for Home Assistant.
        var discoveryPrefix = Configuration.HomeAssistant().discoveryPrefix
    }

    /// What the daemon's loop has to know of messages handed over.
    enum Notice: Sendable, Equatable {
        /// The broker of this connection can never take messages such as this one; told once a topic and connection.
        case undeliverable(topic: String, reason: String)
        /// More topics have such messages than are told of.
        case undeliverableTopics(omittedAfter: Int)
        /// The broker holds an announcement in another form than the one just published.
        case announcementsOutdated
    }

    /// Topics with undeliverable messages that are told of on one connection.
    static let undeliverableTopics = 64

    private struct State {
        var outbox: Outbox
        var forms: DiscoveryForms
        /// Topics of this connection with messages that cannot be sent.
        var undeliverable = Set<String>()
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
    private let notify: @Sendable (Notice) -> Void

    /// A link that is not connected yet.
    ///
    /// - Parameters:
    ///   - notify: is told what the loop has to know, on the thread that hands over or on the client's; it must not block.
    ///   - report: is told every event, on the client's thread; it must not block.
    init(
        settings: MQTTClient.Settings, manners: Manners, resolveLocal: (@Sendable (String) -> String?)? = nil,
        notify: @escaping @Sendable (Notice) -> Void = { _ in },
        report: @escaping @Sendable (BrokerLink, MQTTClient.Event) -> Void
    ) {
        let relay = Relay()
        client = MQTTClient(settings: settings, resolveLocal: resolveLocal) { relay.pass($0) }
        self.manners = manners
        self.report = report
        self.notify = notify
        takesEverything = manners.send.contains { $0 == TopicFilter("#") }
        state = Mutex(
            State(
                outbox: Outbox(
                    limit: manners.queue, sampleLimit: manners.sampleLimit, lifetime: manners.lifetime),
                forms: DiscoveryForms(prefix: manners.discoveryPrefix)))
        relay.aim(at: self)
    }

    /// Whether it is connected and waits to be told everything.
    var isFresh: Bool { state.withLock { $0.isFresh } }

    /// Whether this connection's broker can never take a message that it was to be sent.
    var hasUndeliverable: Bool { state.withLock { !$0.undeliverable.isEmpty } }

    /// What waits and what was dropped, for health.
    var waiting: (topics: Int, samples: Int, dropped: Int) {
        state.withLock { ($0.outbox.heldCount, $0.outbox.sampleCount, $0.outbox.dropped) }
    }

    /// Queues a message for the next ``flush()``, or keeps it for later, or drops it if this broker is not to have it.
    ///
    /// One that can never be sent is dropped, counted and told of: there is nothing that a caller could try again.
    func queue(_ message: MQTTClient.Message) {
        guard sends(message.topic) else { return }
        // The lock is held over the call, so that what is drained at the same time cannot come after it.
        let notices = state.withLock { state in
            guard client.isReady else {
                hold(message, &state)
                return [Notice]()
            }
            return transmit(message, &state)
        }
        notices.forEach(notify)
    }

    /// The same, and sends it.
    func publish(_ message: MQTTClient.Message) {
        queue(message)
        flush()
    }

    private func sends(_ topic: String) -> Bool {
        takesEverything || manners.send.contains { $0.matches(topic) }
    }

    private func hold(_ message: MQTTClient.Message, _ state: inout State) {
        state.outbox.hold(message, at: .now)
        if manners.samples.contains(where: { $0.matches(message.topic) }) {
            state.outbox.addSample(message, time: Self.wallTime())
        }
    }

    /// Sends a message, or what stands for it with this broker. Parts for which there is no room wait.
    private func transmit(_ message: MQTTClient.Message, _ state: inout State) -> [Notice] {
        let limits = client.limits
        let messages = state.forms.messages(for: message) { limits.fault(of: $0, .v5) == nil }
        var notices: [Notice] = []
        // What is held of an announcement that leaves in parts is out of date. Other messages keep their place.
        if messages.last != message { state.outbox.forget(message.topic) }
        for part in messages {
            switch client.queue(part) {
            case .accepted:
                state.isQueued = true
                state.outbox.forget(part.topic)
            case .invalid(let reason):
                state.outbox.forget(part.topic)
                state.forms.abandon(part.topic)
                if let notice = Self.note(part.topic, reason, &state) { notices.append(notice) }
            case .offline, .full:
                hold(part, &state)
            }
        }
        return notices
    }

    /// The notice of an undeliverable message; nil where its topic was told of already.
    private static func note(_ topic: String, _ reason: String, _ state: inout State) -> Notice? {
        guard state.undeliverable.count <= undeliverableTopics, state.undeliverable.insert(topic).inserted else {
            return nil
        }
        return state.undeliverable.count <= undeliverableTopics
            ? .undeliverable(topic: topic, reason: reason) : .undeliverableTopics(omittedAfter: undeliverableTopics)
    }

    /// Subscribes to the topics on which a device can be announced, so that what an earlier run left there is replaced.
    func watchAnnouncements(of device: String) {
        for filter in state.withLock({ $0.forms.filters(of: device) }) where sends(filter) {
            client.subscribe(filter, qos: 0)
        }
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
        guard client.isReady, case .invalid(let reason) = client.publish(message) else { return }
        if let notice = state.withLock({ Self.note(message.topic, reason, &$0) }) { notify(notice) }
    }

    /// Everything current was published: sends what else waited.
    func release() {
        let notices = state.withLock { state in
            guard state.isFresh else { return [Notice]() }
            state.isFresh = false
            return drain(&state)
        }
        notices.forEach(notify)
    }

    /// Sends what waited.
    private func drain(_ state: inout State) -> [Notice] {
        var failures: [(topic: String, reason: String)] = []
        state.outbox.drain(at: .now, packetSize: client.limits.packetSize) { message in
            let result = client.publish(message)
            if case .invalid(let reason) = result { failures.append((message.topic, reason)) }
            return result
        }
        var notices: [Notice] = []
        for failure in failures {
            if let notice = Self.note(failure.topic, failure.reason, &state) { notices.append(notice) }
        }
        return notices
    }

    private func handle(_ event: MQTTClient.Event) {
        switch event {
        case .connected:
            state.withLock { state in
                state.isFresh = true
                state.undeliverable = []
                state.forms.connected()
                // Everything is announced again, in the form that this broker takes.
                let forms = state.forms
                state.outbox.forget { forms.isPart($0) }
            }
        case .disconnected: state.withLock { $0.isFresh = false }
        case .drained: state.withLock { $0.isFresh ? [] : drain(&$0) }.forEach(notify)
        case .message(let topic, let payload, true, _):
            if state.withLock({ $0.forms.observe(topic, payload) }) { notify(.announcementsOutdated) }
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
