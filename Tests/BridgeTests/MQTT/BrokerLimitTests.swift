import Synchronization
import Testing

@testable import Bridge

/// Brokers that accept less than others, and say so in their CONNACK.
@Suite("Limits of brokers", .timeLimit(.minutes(2)))
struct BrokerLimitTests {
    private static let mosquitto = PrivateBroker.find("mosquitto") != nil

    private func client(
        _ port: UInt16, acknowledgementTimeout: Duration = .seconds(30), events: EventRecorder
    ) throws -> MQTTClient {
        let settings = MQTTClient.Settings(
            address: BrokerAddress(host: "127.0.0.1", port: port), reconnectMinimum: .seconds(60),
            reconnectMaximum: .seconds(60), acknowledgementTimeout: acknowledgementTimeout,
            will: .init(topic: "state", payload: "offline", qos: 1, retain: true))
        let client = MQTTClient(settings: settings) { events.record($0) }
        try client.start()
        return client
    }

    private func limits(_ events: [MQTTClient.Event]) -> [BrokerLimits] {
        events.compactMap { if case .limited(let limits) = $0 { limits } else { nil } }
    }

    @Test("what a CONNACK states is read, told once a connection, and kept to to the byte")
    func connack() async throws {
        // Receive Maximum 10, Maximum QoS 0, Retain Available 0, Maximum Packet Size 100, Wildcards 0.
        let broker = FakeBroker(
            .ignores(properties: [0x21, 0, 10, 0x24, 0, 0x25, 0, 0x27, 0, 0, 0, 100, 0x28, 0]))
        defer { broker.stop() }
        let events = EventRecorder()
        let client = try client(broker.port, events: events)
        client.subscribe("a/+", qos: 1)
        try await events.wait("the limits") { !limits($0).isEmpty }
        let found = try #require(limits(events.events).first)
        #expect(found.packetSize == 100 && found.maximumQoS == 0 && !found.acceptsRetain && !found.acceptsWildcards)
        #expect(client.limits == found)
        #expect(
            found.sentences.map(\.text) == [
                "broker accepts packets of at most 100 bytes: announcements are split",
                "broker accepts quality of service 0 only: all messages are published with it",
                "broker accepts no retained messages: none is published as retained",
                "broker accepts no wildcards in subscriptions: requests are not received",
            ])
        // 2 bytes of header, 2 + 1 of topic, 1 of properties: 94 are left.
        #expect(client.publish("t", [UInt8](repeating: 65, count: 94), qos: 1, retain: true) == .accepted)
        let result = client.publish("t", [UInt8](repeating: 65, count: 95), qos: 1, retain: true)
        #expect(result == .invalid("101 bytes are more than the 100 that the broker accepts"))
        #expect(client.counters.dropped == 1)
        #expect(client.stop(timeout: .milliseconds(200)) != .offline)
        #expect(limits(events.events).count == 1)
    }

    @Test("a CONNACK without limits is not told of")
    func noLimits() async throws {
        let broker = FakeBroker(.ignores(properties: []))
        defer { broker.stop() }
        let events = EventRecorder()
        let client = try client(broker.port, events: events)
        try await events.waitForConnection()
        #expect(client.limits == BrokerLimits())
        _ = client.stop(timeout: .milliseconds(100))
        #expect(limits(events.events).isEmpty)
    }

    @Test("a broker that acknowledges nothing is left after the timeout; until then quality of service 0 goes on")
    func noAcknowledgement() async throws {
        let broker = FakeBroker(.ignores(properties: []))
        defer { broker.stop() }
        let events = EventRecorder()
        let client = try client(broker.port, acknowledgementTimeout: .seconds(2), events: events)
        try await events.waitForConnection()
        for number in 0..<50 {
            #expect(client.publish("a", "\(number)", qos: 1, retain: false) == .accepted)
        }
        // Written, and not behind the others: what is pending are those.
        for number in 0..<50 { #expect(client.publish("b", "\(number)", qos: 0, retain: false) == .accepted) }
        #expect(!events.events.contains { if case .disconnected = $0 { true } else { false } })
        let lost = try await events.waitForDisconnection()
        #expect(lost.cause == .unacknowledged)
        #expect(lost.reason == "broker does not acknowledge messages: 50 unconfirmed for 2 s")
        _ = client.stop(timeout: .milliseconds(100))
    }

    @Test("unacknowledged messages take no room from those of quality of service 0")
    func roomForReadings() async throws {
        let broker = FakeBroker(.ignores(properties: []))
        defer { broker.stop() }
        let events = EventRecorder()
        var settings = MQTTClient.Settings(address: BrokerAddress(host: "127.0.0.1", port: broker.port))
        settings.maximumPending = 30
        let client = MQTTClient(settings: settings) { events.record($0) }
        try client.start()
        try await events.waitForConnection()
        var results: [MQTTClient.PublishResult] = []
        for number in 0..<31 { results.append(client.publish("a", "\(number)", qos: 1, retain: false)) }
        #expect(results == [MQTTClient.PublishResult](repeating: .accepted, count: 30) + [.full])
        #expect(client.publish("b", "1", qos: 0, retain: false) == .accepted)
        _ = client.stop(timeout: .milliseconds(100))
    }

    @Test(
        "a mosquitto with max_qos 0 gets everything with quality of service 0, the will included",
        .enabled(if: BrokerLimitTests.mosquitto, "mosquitto is not installed"))
    func qualityZero() async throws {
        let broker = try PrivateBroker(.init(lines: ["max_qos 0", "retain_available false"]))
        let (events, seen) = (EventRecorder(), EventRecorder())
        let observer = MQTTClient(settings: .init(address: broker.address)) { seen.record($0) }
        observer.subscribe("#", qos: 2)
        try observer.start()
        try await seen.waitForSubscription("#")
        let client = try client(broker.port, events: events)
        // No failure is told on the way.
        try await events.waitForConnection()
        #expect(events.disconnections.isEmpty)
        #expect(client.publish("a", "1", qos: 2, retain: true) == .accepted)
        try await seen.wait("the message") { EventRecorder.messages($0).contains("a=1") }
        client.breakConnection()
        try await seen.wait("the will") { EventRecorder.messages($0).contains("state=offline") }
        client.stop()
        observer.stop()
    }

    @Test(
        "what is too large is dropped, counted and told of once a topic and connection",
        .enabled(if: BrokerLimitTests.mosquitto, "mosquitto is not installed"))
    func undeliverable() async throws {
        let broker = try PrivateBroker(.init(lines: ["max_packet_size 200"]))
        let events = EventRecorder()
        let notices = Mutex<[BrokerLink.Notice]>([])
        let link = BrokerLink(
            settings: .init(
                address: broker.address, reconnectMinimum: .milliseconds(20), reconnectMaximum: .milliseconds(50)),
            manners: .init(
                send: [TopicFilter("#")].compactMap { $0 }, samples: [], queue: 1000, sampleLimit: 10,
                lifetime: .seconds(60)),
            notify: { notice in notices.withLock { $0.append(notice) } }
        ) { _, event in events.record(event) }
        // Waits for the connection, which then cannot take it either.
        let large = String(repeating: "x", count: 300)
        link.publish(.init(topic: "waits", payload: large))
        #expect(link.waiting.topics == 1)
        try link.client.start()
        try await events.waitForConnection()
        link.release()
        #expect(link.waiting.topics == 0)
        for _ in 0..<10 { link.publish(.init(topic: "large", payload: large)) }
        link.publishNow(.init(topic: "answer", payload: large))
        link.publish(.init(topic: "small", payload: "1"))
        #expect(link.waiting.topics == 0)
        #expect(link.client.counters.dropped == 12)
        #expect(link.hasUndeliverable)
        func topics() -> [String] {
            notices.withLock { $0 }.map { notice in
                if case .undeliverable(let topic, let reason) = notice {
                    #expect(reason.hasSuffix("bytes are more than the 200 that the broker accepts"))
                    return topic
                }
                return "\(notice)"
            }
        }
        #expect(topics() == ["waits", "large", "answer"])
        for number in 0..<200 { link.publish(.init(topic: "topic/\(number)", payload: large)) }
        #expect(topics().count == BrokerLink.undeliverableTopics + 1)
        #expect(notices.withLock { $0.last } == .undeliverableTopics(omittedAfter: BrokerLink.undeliverableTopics))
        link.client.breakConnection()
        try await events.waitForConnection(count: 2)
        link.publish(.init(topic: "large", payload: large))
        #expect(topics().last == "large")
        #expect(link.client.stop() == .clean)
    }
}
