import Synchronization
import Testing

@testable import Bridge

/// Links to real brokers that come and go.
@Suite(.timeLimit(.minutes(2)), .enabled(if: PrivateBroker.find("mosquitto") != nil, "mosquitto is not installed"))
struct BrokerLinkTests {
    private func link(
        _ broker: PrivateBroker, send: [String] = ["#"], samples: [String] = [], events: EventRecorder
    ) throws -> BrokerLink {
        var settings = MQTTClient.Settings(address: broker.address)
        settings.reconnectMinimum = Configuration.Broker().reconnectMin
        settings.reconnectMaximum = Configuration.Broker().reconnectMax
        let link = BrokerLink(
            settings: settings,
            manners: .init(
                send: send.compactMap { TopicFilter($0) }, samples: samples.compactMap { TopicFilter($0) }, queue: 1000,
                sampleLimit: 5000, lifetime: .seconds(60))
        ) { link, event in
            // As the daemon does once it has published what is current.
            if case .connected = event { link.release() }
            events.record(event)
        }
        try link.client.start()
        return link
    }

    private func observer(_ broker: PrivateBroker) async throws -> (MQTTClient, EventRecorder) {
        let seen = EventRecorder()
        let client = MQTTClient(
            settings: .init(
                address: broker.address, reconnectMinimum: .milliseconds(20), reconnectMaximum: .milliseconds(50))
        ) { seen.record($0) }
        client.subscribe("#", qos: 1)
        try client.start()
        try await seen.waitForSubscription("#")
        return (client, seen)
    }

    @Test("everything current once the broker is back, then what was missed, and no more memory")
    func returns() async throws {
        let broker = try PrivateBroker()
        let events = EventRecorder()
        let link = try link(broker, samples: ["plant/+/power"], events: events)
        try await events.waitForConnection()
        broker.stop()
        _ = try await events.waitForDisconnection()
        // Five minutes of a value a second from 20 devices: what is sent does not wait for the clock.
        for second in 0..<300 {
            for device in 0..<20 {
                link.publish(.init(topic: "plant/\(device)/power", payload: "\(second)"))
                link.publish(.init(topic: "plant/\(device)/voltage", payload: "\(second)"))
            }
        }
        #expect(link.waiting.topics == 40)
        #expect(link.waiting.samples == 5000)
        #expect(link.waiting.dropped == 1000)
        try broker.restart()
        let (observer, seen) = try await observer(broker)
        // The observer may come after the first messages: what counts is that the link got rid of all.
        try await events.waitForConnection(count: 2)
        link.publish(.init(topic: "end", payload: "1"))
        try await seen.wait("the end") { EventRecorder.messages($0).contains("end=1") }
        #expect(link.waiting.topics == 0 && link.waiting.samples == 0)
        #expect(link.client.stop() == .clean)
        observer.stop()
    }

    @Test("what is queued leaves with the next flush, in order, and the client's thread sleeps through it")
    func flushes() async throws {
        let broker = try PrivateBroker()
        let events = EventRecorder()
        let link = try link(broker, events: events)
        try await events.waitForConnection()
        let (observer, seen) = try await observer(broker)
        link.queue(.init(topic: "first", payload: "0", qos: 0))
        // Another's message, which came later, is there: so the first one has not left.
        _ = observer.publish("other", "1", qos: 1, retain: false)
        try await seen.wait("the other's") { EventRecorder.messages($0).contains("other=1") }
        #expect(!seen.messages.contains("first=0"))
        link.flush()
        try await seen.wait("the first") { EventRecorder.messages($0).contains("first=0") }
        let before = link.client.wakeUps
        for number in 1...200 {
            link.queue(.init(topic: "more", payload: "\(number)", qos: 0))
            link.flush()
        }
        try await seen.wait("all of them") { EventRecorder.messages($0).contains("more=200") }
        let more = seen.messages.filter { $0.hasPrefix("more=") }
        #expect(more == (1...200).map { "more=\($0)" })
        // Of quality of service 0 nothing is acknowledged, so nothing wakes it; it may be at work when a flush comes.
        #expect(link.client.wakeUps - before <= 50)
        #expect(link.client.stop() == .clean)
        observer.stop()
    }

    @Test("the latest of each topic first, the missed samples after it, none of it twice")
    func order() async throws {
        let broker = try PrivateBroker()
        let events = EventRecorder()
        let link = BrokerLink(
            settings: .init(
                address: broker.address, reconnectMinimum: .milliseconds(20), reconnectMaximum: .milliseconds(50)),
            manners: .init(
                send: [TopicFilter("#")].compactMap { $0 }, samples: [TopicFilter("a/+")].compactMap { $0 }, queue: 10,
                sampleLimit: 10, lifetime: .seconds(60))
        ) { _, event in events.record(event) }
        for number in 1...3 {
            link.publish(.init(topic: "a/x", payload: "\(number)"))
            link.publish(.init(topic: "b", payload: "\(number)"))
        }
        let (observer, seen) = try await observer(broker)
        try link.client.start()
        try await events.waitForConnection()
        // Published by the daemon as current: what waits of it is void.
        link.publish(.init(topic: "b", payload: "4"))
        link.release()
        try await seen.wait("three messages") { EventRecorder.messages($0).count >= 3 }
        let messages = seen.messages
        #expect(messages.count == 3)
        #expect(messages[0...1] == ["b=4", "a/x=3"])
        #expect(messages[2].hasPrefix(#"a/x/missed={"samples":[[1"#), "\(messages)")
        #expect(messages[2].hasSuffix(#"3]],"dropped":0}"#), "\(messages)")
        link.client.stop()
        observer.stop()
    }

    @Test("each broker gets what it is to get, and one that is away does not hold up the other")
    func filters() async throws {
        let (local, remote) = (try PrivateBroker(), try PrivateBroker())
        let (localEvents, remoteEvents) = (EventRecorder(), EventRecorder())
        let first = try link(local, events: localEvents)
        let second = try link(remote, send: ["vebridge/#"], events: remoteEvents)
        let (observer, seen) = try await observer(remote)
        try await localEvents.waitForConnection()
        try await remoteEvents.waitForConnection()
        local.suspend()
        for link in [first, second] {
            link.publish(.init(topic: "/venetworking/x/edbc", payload: "1"))
            link.publish(.init(topic: "vebridge/system/power", payload: "2"))
        }
        try await seen.wait("the message") { !EventRecorder.messages($0).isEmpty }
        #expect(seen.messages == ["vebridge/system/power=2"])
        local.resume()
        first.client.stop()
        second.client.stop()
        observer.stop()
    }

    @Test("a message outlives its time only with a broker of the old kind")
    func expiry() async throws {
        let broker = try PrivateBroker()
        let events = EventRecorder()
        let link = try link(broker, events: events)
        try await events.waitForConnection()
        link.publish(.init(topic: "short", payload: "1", retain: true, expiry: .seconds(1)))
        link.publish(.init(topic: "long", payload: "1", retain: true, expiry: .seconds(600)))
        link.publish(.init(topic: "end", payload: "1", retain: true))
        #expect(link.client.stop() == .clean)
        // The broker counts in whole seconds: a message of one second is gone after two.
        try await Task.sleep(for: .milliseconds(2100))
        let (observer, seen) = try await observer(broker)
        try await seen.wait("what is kept") { EventRecorder.messages($0).contains("end=1!") }
        try await seen.wait("what is kept") { EventRecorder.messages($0).contains("long=1!") }
        #expect(!seen.messages.contains("short=1!"))
        observer.stop()
    }

    @Test("with a delay the will is not published for a client that is soon back, and the session outlives it")
    func willDelay() async throws {
        let broker = try PrivateBroker()
        let (observer, seen) = try await observer(broker)
        let events = EventRecorder()
        let settings = MQTTClient.Settings(
            address: broker.address, clientID: "bridge", reconnectMinimum: .milliseconds(20),
            reconnectMaximum: .milliseconds(50), will: .init(topic: "state", payload: "offline"),
            willDelay: .seconds(30), sessionExpiry: .seconds(60))
        let client = MQTTClient(settings: settings) { events.record($0) }
        client.subscribe("request", qos: 1)
        try client.start()
        try await events.waitForSubscription("request")
        client.breakConnection()
        #expect(observer.publish("request", "while away", qos: 1, retain: false) == .accepted)
        try await events.waitForConnection(count: 2)
        try await events.wait("what was asked meanwhile") { EventRecorder.messages($0) == ["request=while away"] }
        #expect(client.publish("state", "online", qos: 1, retain: false) == .accepted)
        try await seen.wait("the state") { EventRecorder.messages($0).contains { $0.hasPrefix("state=") } }
        #expect(seen.messages.filter { $0.hasPrefix("state=") } == ["state=online"])
        client.stop()
        observer.stop()
    }

    @Test("a client without an address waits for one, and goes where the broker went")
    func moves() async throws {
        let (here, there) = (try PrivateBroker(), try PrivateBroker())
        let events = EventRecorder()
        let client = MQTTClient(settings: .init(address: nil, reconnectMinimum: .seconds(60))) { events.record($0) }
        try client.start()
        #expect(client.publish("a", "1", qos: 0, retain: false) == .offline)
        client.move(to: here.address, breaking: true)
        try await events.waitForConnection()
        // Withdrawn: the connection lasts.
        client.move(to: nil, breaking: false)
        client.move(to: there.address, breaking: false)
        #expect(client.isReady)
        client.move(to: nil, breaking: false)
        client.move(to: there.address, breaking: true)
        try await events.waitForConnection(count: 2)
        #expect(events.disconnections.map(\.cause) == [.moved])
        let log = there.log
        #expect(log.contains("New client connected"))
        #expect(client.stop() == .clean)
    }
}
