import Glibc
import Synchronization
import Testing

@testable import Bridge

private let hasMosquitto = PrivateBroker.find("mosquitto") != nil

private func settings(
    _ address: BrokerAddress, id: String = "", will: MQTTClient.Message? = nil,
    change: (inout MQTTClient.Settings) -> Void = { _ in }
) -> MQTTClient.Settings {
    var settings = MQTTClient.Settings(
        address: address, clientID: id, reconnectMinimum: .milliseconds(20), reconnectMaximum: .milliseconds(200),
        will: will)
    change(&settings)
    return settings
}

private func startClient(
    _ settings: MQTTClient.Settings, subscriptions: [String] = []
) throws -> (MQTTClient, EventRecorder) {
    let recorder = EventRecorder()
    let client = MQTTClient(settings: settings) { recorder.record($0) }
    for filter in subscriptions { client.subscribe(filter, qos: 1) }
    try client.start()
    return (client, recorder)
}

/// A port on which nothing listens: bound for the lifetime of the object, never listening.
private final class DeafPort {
    let port: UInt16
    private let descriptor: Int32

    init() {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}

@Suite(.timeLimit(.minutes(2)), .enabled(if: hasMosquitto, "mosquitto is not installed"))
struct MQTTClientWithMosquittoTests {
    @Test func publishesAndReceives() async throws {
        let broker = try PrivateBroker()
        let (reader, readings) = try startClient(settings(broker.address), subscriptions: ["a/#"])
        try await readings.waitForSubscription("a/#")
        let (writer, writings) = try startClient(settings(broker.address))
        try await writings.waitForConnection()
        #expect(writings.events.first == .connected(.v5))
        #expect(writer.publish("a/first", "1", qos: 0, retain: false) == .accepted)
        #expect(writer.publish("a/second", [0x32], qos: 1, retain: true) == .accepted)
        #expect(writer.publish("b/elsewhere", "x", qos: 1, retain: false) == .accepted)
        #expect(writer.publish("a/third", "", qos: 2, retain: false) == .accepted)
        try await readings.wait("three messages") { EventRecorder.messages($0).count >= 3 }
        #expect(readings.messages == ["a/first=1", "a/second=2", "a/third="])
        #expect(writer.stop() == .clean)
        let counters = writer.counters
        #expect(counters.published == 4)
        #expect(counters.acknowledged == 3)
        #expect(counters.dropped == 0)
        #expect(counters.pending == 0)
        #expect(counters.bytes == 8 + 9 + 12 + 7)
        #expect(counters.connects == 1)
        #expect(try #require(counters.roundTrip) > .zero)
        #expect(reader.counters.received == 3)

        // A later subscriber sees the retained message, and that it is retained.
        let (late, lateEvents) = try startClient(settings(broker.address), subscriptions: ["a/#"])
        try await lateEvents.wait("the retained message") { !EventRecorder.messages($0).isEmpty }
        #expect(lateEvents.messages == ["a/second=2!"])
        late.stop()
        reader.stop()
    }

    @Test func rejectsWhatCanNeverBeSent() async throws {
        let broker = try PrivateBroker()
        let (client, events) = try startClient(settings(broker.address) { $0.maximumPendingBytes = 1000 })
        #expect(client.publish("early", "1", qos: 0, retain: false) == .offline || client.counters.connects == 1)
        try await events.waitForConnection()
        for topic in ["a/+", "a/#", "", "nul\0inside"] {
            guard case .invalid = client.publish(topic, "1", qos: 1, retain: false) else {
                Issue.record("accepted the topic \(topic)")
                continue
            }
        }
        guard case .invalid = client.publish("a", "1", qos: 3, retain: false) else {
            Issue.record("accepted a quality of service of 3")
            return
        }
        guard case .invalid = client.publish("a", [UInt8](repeating: 0, count: 2000), qos: 0, retain: false) else {
            Issue.record("accepted more bytes than may ever wait")
            return
        }
        #expect(client.publish("a", "1", qos: 1, retain: false) == .accepted)
        #expect(client.stop() == .clean)
    }

    @Test func brokerPublishesTheWillWhenTheConnectionBreaks() async throws {
        let broker = try PrivateBroker()
        let (observer, seen) = try startClient(settings(broker.address), subscriptions: ["state"])
        try await seen.waitForSubscription("state")
        let will = MQTTClient.Message(topic: "state", payload: "offline", retain: true)
        let (client, events) = try startClient(settings(broker.address, id: "bridge", will: will))
        try await events.waitForConnection()
        #expect(client.publish("state", "online", qos: 1, retain: true) == .accepted)
        try await seen.wait("online") { EventRecorder.messages($0) == ["state=online"] }
        client.breakConnection()
        try await seen.wait("the will") { EventRecorder.messages($0) == ["state=online", "state=offline"] }
        try await events.waitForConnection(count: 2)
        let lost = try #require(events.disconnections.first)
        #expect(lost.cause == .closed)
        #expect(lost.attempts == 0)
        client.stop()
        observer.stop()
    }

    @Test func cleanStopLeavesItsMessageAndNoWill() async throws {
        let broker = try PrivateBroker()
        let (observer, seen) = try startClient(settings(broker.address), subscriptions: ["#"])
        try await seen.waitForSubscription("#")
        let will = MQTTClient.Message(topic: "will", payload: "fired", retain: true)
        let (client, events) = try startClient(settings(broker.address, will: will))
        try await events.waitForConnection()
        let last = MQTTClient.Message(topic: "state", payload: "offline", retain: true)
        #expect(client.stop(publish: last) == .clean)
        #expect(client.publish("late", "1", qos: 0, retain: false) == .offline)
        #expect(events.disconnections.map(\.cause) == [.stopped])
        // The broker handles things in order: were there a will, it would come before this.
        #expect(observer.publish("end", "1", qos: 1, retain: false) == .accepted)
        try await seen.wait("the end") { EventRecorder.messages($0).contains("end=1") }
        #expect(seen.messages == ["state=offline", "end=1"])
        observer.stop()
        let (late, lateEvents) = try startClient(settings(broker.address), subscriptions: ["state"])
        try await lateEvents.wait("the retained state") { EventRecorder.messages($0) == ["state=offline!"] }
        late.stop()
    }

    @Test func comesBackAfterTheBrokerDied() async throws {
        let broker = try PrivateBroker()
        let (client, events) = try startClient(settings(broker.address), subscriptions: ["loop"])
        try await events.waitForSubscription("loop")
        broker.kill()
        _ = try await events.waitForDisconnection { $0.cause == .refused && $0.repeats >= 2 }
        #expect(client.publish("loop", "lost", qos: 1, retain: false) == .offline)
        try broker.restart()
        try await events.waitForSubscription("loop", count: 2)
        #expect(client.publish("loop", "back", qos: 1, retain: false) == .accepted)
        try await events.wait("the message") { EventRecorder.messages($0) == ["loop=back"] }

        // First the loss, then the refusals, counted, then the connection before its subscription.
        let disconnections = events.disconnections
        #expect(disconnections[0].attempts == 0)
        #expect(disconnections[0].cause == .closed)
        let refusals = disconnections.filter { $0.cause == .refused }
        #expect(refusals.map(\.repeats) == Array(1...refusals.count))
        #expect(refusals.map(\.attempts) == Array(1...refusals.count))
        #expect(refusals[0].reason.hasPrefix("connection refused by 127.0.0.1:\(broker.port)"))
        let shape = events.events.compactMap { event -> String? in
            switch event {
            case .connected: "connected"
            case .subscribed: "subscribed"
            case .message: "message"
            case .disconnected(let disconnection): disconnection.cause == .refused ? nil : "lost"
            default: nil
            }
        }
        #expect(shape == ["connected", "subscribed", "lost", "connected", "subscribed", "message"])
        #expect(client.counters.connects == 2)
        #expect(client.stop() == .clean)
    }

    @Test func suspectsAnotherClientWithTheSameIdentifier() async throws {
        // This broker closes the older connection without a word.
        let broker = try PrivateBroker()
        let (first, events) = try startClient(settings(broker.address, id: "same"))
        try await events.waitForConnection()
        let (second, _) = try startClient(settings(broker.address, id: "same"))
        let lost = try await events.waitForDisconnection { $0.reason.contains("'same'") }
        #expect(lost.cause == .closed)
        #expect(lost.reason.hasSuffix("again and again: perhaps another program uses the client id 'same'"))
        first.stop()
        second.stop()
    }

    @Test func saysWhenTheUserIsNotKnown() async throws {
        let broker = try PrivateBroker(.init(users: ["bridge": "secret"]))
        let (right, rightEvents) = try startClient(
            settings(broker.address) {
                $0.username = "bridge"
                $0.password = "secret"
            })
        try await rightEvents.waitForConnection()
        right.stop()
        let (wrong, wrongEvents) = try startClient(
            settings(broker.address) {
                $0.username = "bridge"
                $0.password = "guess"
            })
        let refusal = try await wrongEvents.waitForDisconnection { $0.repeats == 3 }
        #expect(refusal.cause == .notAuthorised)
        #expect(refusal.reason == "not authorised: wrong user name or password for 127.0.0.1:\(broker.port)")
        wrong.stop()
        let (nobody, nobodyEvents) = try startClient(settings(broker.address))
        let other = try await nobodyEvents.waitForDisconnection()
        #expect(other.reason == "not authorised: 127.0.0.1:\(broker.port) wants a user name and password")
        nobody.stop()
    }

    @Test func tellsOfRefusedMessages() async throws {
        let broker = try PrivateBroker()
        let rules = broker.directory + "/acl"
        let file = try #require(fopen(rules, "w"))
        fputs("topic readwrite open/#\n", file)
        fclose(file)
        defer { unlink(rules) }
        let strict = try PrivateBroker(.init(lines: ["acl_file \(rules)"]))
        let (client, events) = try startClient(settings(strict.address))
        try await events.waitForConnection()
        #expect(client.publish("closed/a", "1", qos: 1, retain: false) == .accepted)
        try await events.wait(for: "the refusal") {
            if case .publishRefused("closed/a", _) = $0 { true } else { false }
        }
        #expect(client.counters.refused == 1)
        #expect(client.counters.acknowledged == 0)
        #expect(client.stop() == .clean)
    }

    @Test func aFrozenBrokerCostsBoundedMemory() async throws {
        let broker = try PrivateBroker()
        let (client, events) = try startClient(
            settings(broker.address) {
                $0.maximumPending = 500
                $0.maximumPendingBytes = 1 << 20
            })
        try await events.waitForConnection()
        broker.suspend()
        let before = residentKilobytes()
        let payload = [UInt8](repeating: 0x20, count: 1024)
        var results: [MQTTClient.PublishResult: Int] = [:]
        for number in 0..<100_000 {
            results[client.publish("t/\(number % 100)", payload, qos: 1, retain: false), default: 0] += 1
        }
        #expect(results == [.accepted: 500, .full: 99_500])
        let counters = client.counters
        #expect(counters.pending == 500)
        #expect(counters.pendingBytes <= 1 << 20)
        #expect(counters.dropped == 99_500)
        #expect(residentKilobytes() - before < 50_000)
        // The thaw delivers what was accepted and says that there is room again.
        broker.resume()
        try await events.wait(for: "room") { $0 == .drained }
        #expect(client.publish("t", "1", qos: 1, retain: false) == .accepted)
        #expect(client.stop() == .clean)
        #expect(client.counters.acknowledged == 501)
    }

    @Test func stopGivesUpOnAFrozenBroker() async throws {
        let broker = try PrivateBroker()
        let (observer, seen) = try startClient(settings(broker.address), subscriptions: ["state"])
        try await seen.waitForSubscription("state")
        let will = MQTTClient.Message(topic: "state", payload: "gone", retain: true)
        let (client, events) = try startClient(settings(broker.address, will: will))
        try await events.waitForConnection()
        broker.suspend()
        let start = ContinuousClock.now
        let last = MQTTClient.Message(topic: "state", payload: "offline", retain: true)
        #expect(client.stop(publish: last, timeout: .milliseconds(100)) == .unconfirmed)
        #expect(ContinuousClock.now - start < .seconds(2))
        // Not confirmed, so no farewell: the will says it in any case.
        broker.resume()
        try await seen.wait("the will") { EventRecorder.messages($0).contains("state=gone") }
        observer.stop()
    }

    @Test func noticesABrokerThatNoLongerAnswers() async throws {
        let broker = try PrivateBroker()
        let (client, events) = try startClient(settings(broker.address) { $0.keepalive = .seconds(5) })
        try await events.waitForConnection()
        broker.suspend()
        let lost = try await events.waitForDisconnection()
        #expect(lost.cause == .timedOut)
        #expect(lost.reason.contains("has not answered a ping"))
        broker.resume()
        try await events.waitForConnection(count: 2)
        client.stop()
    }

    @Test func staysConnectedInSilence() async throws {
        // The broker drops a client after one and a half keepalives, so pings must go out without any traffic.
        let broker = try PrivateBroker()
        let (client, events) = try startClient(settings(broker.address, id: "quiet") { $0.keepalive = .seconds(5) })
        try await events.waitForConnection()
        let wakesBefore = client.wakeUps
        let start = ContinuousClock.now
        // Nothing on our side announces a ping's answer; nine seconds hold one ping and the broker's limit.
        try await Task.sleep(for: .seconds(9))
        #expect(events.disconnections.isEmpty)
        // Every half keepalive, once for each answer, and twice at the beginning; a busy machine sleeps longer.
        let halves = Int((ContinuousClock.now - start) / .milliseconds(2500))
        #expect(client.wakeUps - wakesBefore <= halves * 3 / 2 + 3)
        #expect(client.stop() == .clean)
    }

    @Test func manyThreadsPublishAtOnce() async throws {
        let broker = try PrivateBroker()
        let (reader, readings) = try startClient(settings(broker.address), subscriptions: ["n/#"])
        try await readings.waitForSubscription("n/#")
        let (writer, writings) = try startClient(settings(broker.address))
        try await writings.waitForConnection()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<100 {
                        #expect(writer.publish("n/\(task)", "\(number)", qos: 1, retain: false) == .accepted)
                    }
                }
            }
        }
        #expect(writer.stop() == .clean)
        try await readings.wait("800 messages") { EventRecorder.messages($0).count >= 800 }
        for task in 0..<8 {
            let own = readings.messages.filter { $0.hasPrefix("n/\(task)=") }
            #expect(own == (0..<100).map { "n/\(task)=\($0)" })
        }
        #expect(writer.counters.acknowledged == 800)
        reader.stop()
    }
}

@Suite(.timeLimit(.minutes(2)))
struct MQTTClientFailureTests {
    @Test func saysThatNobodyListens() async throws {
        let deaf = DeafPort()
        let (client, events) = try startClient(settings(BrokerAddress(host: "localhost", port: deaf.port)))
        let failure = try await events.waitForDisconnection { $0.attempts == 3 }
        #expect(failure.cause == .refused)
        #expect(failure.reason.hasPrefix("connection refused by localhost:\(deaf.port)"))
        #expect(failure.repeats == 3)
        #expect(try #require(failure.retryAfter) >= .milliseconds(20))
        #expect(client.stop() == .offline)
        #expect(events.disconnections.last?.cause == .stopped)
    }

    @Test func saysThatTheNameIsUnknown() async throws {
        let (client, events) = try startClient(settings(BrokerAddress(host: "no-such-host.invalid")))
        let failure = try await events.waitForDisconnection()
        #expect(failure.cause == .hostNotFound)
        #expect(failure.reason.hasPrefix("host name not found: no-such-host.invalid"))
        client.stop()
    }

    @Test func stopIsPromptWhileWaitingToReconnect() async throws {
        let deaf = DeafPort()
        let patient = settings(BrokerAddress(host: "127.0.0.1", port: deaf.port)) {
            $0.reconnectMinimum = .seconds(3600)
            $0.reconnectMaximum = .seconds(3600)
        }
        let (client, events) = try startClient(patient)
        _ = try await events.waitForDisconnection()
        let start = ContinuousClock.now
        #expect(client.stop(publish: .init(topic: "state", payload: "offline")) == .offline)
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(client.stop() == .offline)
    }

    @Test func stopIsPromptWhileConnecting() async throws {
        let broker = FakeBroker(.silent)
        defer { broker.stop() }
        let (client, _) = try startClient(settings(BrokerAddress(host: "127.0.0.1", port: broker.port)))
        let start = ContinuousClock.now
        #expect(client.stop() == .offline)
        #expect(ContinuousClock.now - start < .seconds(1))
    }

    @Test func stopWithoutStartDoesNothing() {
        let client = MQTTClient(settings: settings(BrokerAddress(host: "127.0.0.1"))) { _ in }
        #expect(client.stop() == .offline)
    }

    @Test func stopMayBeCalledByTheHandler() async throws {
        let deaf = DeafPort()
        let recorder = EventRecorder()
        let cell = ClientCell()
        let client = MQTTClient(settings: settings(BrokerAddress(host: "127.0.0.1", port: deaf.port))) { event in
            if case .disconnected(let disconnection) = event, disconnection.cause == .refused { cell.stop() }
            recorder.record(event)
        }
        cell.set(client)
        try client.start()
        _ = try await recorder.waitForDisconnection { $0.cause == .stopped }
        #expect(recorder.disconnections.map(\.cause) == [.refused, .stopped])
    }

    @Test func offersTheOldVersionWhenTheNewOneIsRefused() async throws {
        let broker = FakeBroker(.refusesVersion5)
        defer { broker.stop() }
        let (client, events) = try startClient(settings(BrokerAddress(host: "127.0.0.1", port: broker.port)))
        try await events.waitForConnection()
        #expect(events.events == [.connected(.v311)])
        #expect(broker.levels == [5, 4])
        client.stop(timeout: .milliseconds(100))
    }

    @Test func offersTheOldVersionWhenTheNewOneIsHungUpOn() async throws {
        let broker = FakeBroker(.closesOnVersion5)
        defer { broker.stop() }
        let (client, events) = try startClient(settings(BrokerAddress(host: "127.0.0.1", port: broker.port)))
        try await events.waitForConnection()
        #expect(broker.levels == [5, 5, 4])
        #expect(events.disconnections.map(\.cause) == [.closed, .closed])
        #expect(events.events.last == .connected(.v311))
        client.stop(timeout: .milliseconds(100))
    }

    @Test(arguments: [
        (UInt8(0x8B), MQTTClient.Cause.closed, "is shutting down"),
        (0x8E, .takenOver, "another client connected"),
        (0x97, .closed, "Quota exceeded"),
    ])
    func passesOnTheBrokersFarewell(code: UInt8, cause: MQTTClient.Cause, words: String) async throws {
        let broker = FakeBroker(.accepts(thenDisconnects: code))
        defer { broker.stop() }
        let (client, events) = try startClient(settings(BrokerAddress(host: "127.0.0.1", port: broker.port)))
        let lost = try await events.waitForDisconnection()
        #expect(events.events.first == .connected(.v5))
        #expect(lost.cause == cause)
        #expect(lost.reason.contains(words))
        client.stop(timeout: .milliseconds(100))
    }

    @Test func givesUpOnABrokerThatSaysNothing() async throws {
        let broker = FakeBroker(.silent)
        defer { broker.stop() }
        let (client, events) = try startClient(
            settings(BrokerAddress(host: "127.0.0.1", port: broker.port)) { $0.connectTimeout = .milliseconds(100) })
        let failure = try await events.waitForDisconnection()
        #expect(failure.cause == .timedOut)
        #expect(failure.reason.contains("took the connection but sent no answer"))
        client.stop()
    }

    @Test func saysThatThePortIsNotMQTT() async throws {
        let broker = FakeBroker(.babbles)
        defer { broker.stop() }
        let (client, events) = try startClient(settings(BrokerAddress(host: "127.0.0.1", port: broker.port)))
        let failure = try await events.waitForDisconnection()
        #expect(failure.cause == .violation)
        #expect(failure.reason.contains("does not keep to MQTT: it begins with 0x48"))
        client.stop()
    }

    @Test func namesTheFileThatCannotBeRead() async throws {
        let (client, events) = try startClient(
            settings(BrokerAddress(host: "127.0.0.1", tls: true)) { $0.tls.authorities = "/no/such/ca.pem" })
        let failure = try await events.waitForDisconnection()
        #expect(failure.cause == .settings)
        #expect(failure.reason == "cannot read the CA file /no/such/ca.pem: No such file or directory")
        client.stop()
    }
}

/// Lets a handler reach the client it belongs to.
private final class ClientCell: Sendable {
    private let client = Mutex<MQTTClient?>(nil)
    func set(_ client: MQTTClient) { self.client.withLock { $0 = client } }
    func stop() { _ = client.withLock { $0 }?.stop() }
}

/// The memory the process has now, from the second figure of statm, in pages.
private func residentKilobytes() -> Int {
    let file = open("/proc/self/statm", O_RDONLY)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = read(file, &bytes, bytes.count)
    let fields = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    return (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / 1024
}
