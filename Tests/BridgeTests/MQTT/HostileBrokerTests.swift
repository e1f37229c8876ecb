import Glibc
import MQTTTraffic
import Synchronization
import Testing

@testable import Bridge

/// A broker that says what a test wants, once the client has connected.
private final class ScriptedBroker: Sendable {
    let port: UInt16
    private let listener: Int32
    private let script: [UInt8]

    /// Sends the script to each client that has sent something, and closes the connection if asked to.
    init(_ script: [UInt8], thenCloses: Bool = false) {
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        precondition(isBound, "no loopback port for the scripted broker")
        port = UInt16(bigEndian: address.sin_port)
        Thread.start { [script] in
            var open: [Int32] = []
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                open.append(client)
                var packet = [UInt8](repeating: 0, count: 512)
                guard read(client, &packet, packet.count) > 0 else { continue }
                _ = send(client, script, script.count, Int32(MSG_NOSIGNAL))
                if thenCloses { shutdown(client, Int32(SHUT_WR)) }
            }
            for client in open { close(client) }
            close(listener)
        }
    }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private enum Thread {
        private final class Work: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        static func start(_ body: @escaping @Sendable () -> Void) {
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { @Sendable raw in
                    guard let raw else { return nil }
                    Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body()
                    return nil
                }, Unmanaged.passRetained(Work(body)).toOpaque())
            pthread_detach(thread)
        }
    }
}

private func client(_ address: BrokerAddress, _ tls: TLSSettings = TLSSettings()) -> (MQTTClient, EventRecorder) {
    let recorder = EventRecorder()
    let settings = MQTTClient.Settings(
        address: address, clientID: "hostile", reconnectMinimum: .milliseconds(20),
        reconnectMaximum: .milliseconds(100), tls: tls)
    let client = MQTTClient(settings: settings) { recorder.record($0) }
    client.subscribe("t/#", qos: 1)
    return (client, recorder)
}

@Suite(
    "A broker that does not keep to MQTT", .timeLimit(.minutes(2)),
    .enabled(if: PrivateBroker.find("mosquitto") != nil, "mosquitto is not installed"))
struct HostileBrokerTests {
    private static let accepts: [UInt8] = [0x20, 3, 0, 0, 0]

    @Test(
        "ends a connection and not the process, and the client goes on to a good broker",
        arguments: [
            ([0x20, 5, 0, 0, 2, 0x7F, 0], "CONNACK has property 0x7F, which MQTT 5 does not define"),
            (accepts + [0x30, 7, 0, 1, 0x61, 2, 0x7F, 0, 0x41], "PUBLISH has property 0x7F"),
            (accepts + [0x90, 6, 0, 1, 2, 0x7F, 0, 1], "SUBACK has property 0x7F"),
            (accepts + [0x40, 6, 0, 1, 0, 2, 0x7F, 0], "PUBACK has property 0x7F"),
            (accepts + [0xE0, 4, 0x8B, 2, 0x7F, 0], "DISCONNECT has property 0x7F"),
            (accepts + [0xF0, 2, 0x18, 0], "AUTH, which this client did not ask for"),
            (accepts + [0x30, 0xFF, 0xFF, 0xFF, 0x7F], "PUBLISH of 268435460 bytes"),
            ([0x30, 0xFF, 0xFF, 0xFF, 0x7F], "it begins with 0x30 instead of 0x20"),
        ])
    func violation(script: [UInt8], words: String) async throws {
        let hostile = ScriptedBroker(script)
        defer { hostile.stop() }
        let (client, events) = client(BrokerAddress(host: "127.0.0.1", port: hostile.port))
        try client.start()
        let failure = try await events.waitForDisconnection { $0.cause == .violation }
        #expect(failure.reason.hasPrefix("127.0.0.1:\(hostile.port) does not keep to MQTT: \(words)"), "\(failure)")
        #expect(failure.retryAfter != nil)
        // The same again is the same reason again.
        _ = try await events.waitForDisconnection { $0.repeats == 2 }
        try await exchangeWithGoodBroker(client, events)
    }

    private func exchangeWithGoodBroker(_ client: MQTTClient, _ events: EventRecorder) async throws {
        let good = try PrivateBroker()
        client.move(to: good.address, breaking: true)
        try await events.waitForSubscription("t/#")
        #expect(client.publish("t/1", "here", qos: 1, retain: false) == .accepted)
        try await events.wait("the message") { EventRecorder.messages($0).contains("t/1=here") }
        #expect(client.stop() == .clean)
    }

    @Test("is named where its answer is cut off", arguments: [[0x20], [0x20, 3, 0]] as [[UInt8]])
    func truncated(script: [UInt8]) async throws {
        let hostile = ScriptedBroker(script, thenCloses: true)
        defer { hostile.stop() }
        let (client, events) = client(BrokerAddress(host: "127.0.0.1", port: hostile.port))
        try client.start()
        let failure = try await events.waitForDisconnection()
        #expect(failure.reason == "127.0.0.1:\(hostile.port) closed the connection in the middle of its answer")
        client.stop(timeout: .milliseconds(100))
    }

    @Test(
        "is as harmless behind TLS", .enabled(if: TestCertificates.isPossible),
        arguments: [
            ("\\040\\005\\000\\000\\002\\177\\000", "CONNACK has property 0x7F"),
            ("\\040\\003\\000\\000\\000\\060\\007\\000\\001\\141\\002\\177\\000\\101", "PUBLISH has property 0x7F"),
        ])
    func violationBehindTLS(script: String, words: String) async throws {
        let certificates = try await TestCertificates.shared()
        let port = try PrivateBroker().port
        let command =
            "(printf '\(script)'; sleep 100) | timeout 100 openssl s_server -quiet -accept 127.0.0.1:\(port) "
            + "-cert \(certificates.path("good.pem")) -key \(certificates.path("good.key")) "
            + ">\(certificates.scratch("hostile")) 2>&1 &"
        #expect(system(command) == 0)
        try await Listening.wait(port)
        let trusting = TLSSettings(authorities: certificates.authority)
        let (client, events) = client(BrokerAddress(host: "localhost", port: port, tls: true), trusting)
        try client.start()
        let failure = try await events.waitForDisconnection { $0.cause == .violation }
        #expect(failure.reason.hasPrefix("localhost:\(port) does not keep to MQTT: \(words)"), "\(failure)")
        let good = try PrivateBroker(.init(lines: certificates.broker()))
        client.move(to: BrokerAddress(host: "localhost", port: good.port, tls: true), breaking: true)
        try await events.waitForSubscription("t/#")
        #expect(client.stop() == .clean)
    }

    @Test("sends anything, and libmosquitto rejects nothing that was passed on")
    func storm() {
        var storm = BrokerStorm(seed: 7)
        while storm.result.packets < 20_000 {
            guard storm.runConnection() else {
                Issue.record("no descriptors left")
                return
            }
        }
        let result = storm.result
        #expect(result.rejectedByLibrary.isEmpty, "\(result.rejectedByLibrary)")
        // Not everything is refused, and much is.
        #expect(result.violations > 500 && result.survived > 100)
        #expect(result.messages > 1000 && result.answers > 100)
    }
}

@Suite("The transport between broker and library")
struct BrokerTransportTests {
    @Test func leavesPacketsInTheNetworkWhileItsAnswersAreNotRead() throws {
        let connection = try OfflineConnection(version: .v311).orThrow(
            EventRecorder.NotSeen(description: "descriptors"))
        connection.send([0x20, 2, 0, 0])
        #expect(connection.isConnected)
        connection.readsEverything = false
        var sent = 0
        // Each is to be acknowledged by four bytes, which the broker does not read.
        let message: [UInt8] = [0x32, 7, 0, 1, 0x61, 0, 1, 0x70, 0x70]
        let batch = Array(repeatElement(message, count: 1000).joined())
        while sent < 5_000_000, connection.send(batch) { sent += 1000 }
        #expect(connection.end == nil)
        #expect(sent < 5_000_000)
        let held = connection.counts.messages
        connection.readsEverything = true
        connection.send([])
        #expect(connection.counts.messages == sent + 1000)
        #expect(held < sent + 1000)
        #expect(connection.end == nil)
    }

    @Test func passesOnLargePacketsInBothDirections() throws {
        let connection = try OfflineConnection(version: .v5).orThrow(EventRecorder.NotSeen(description: "descriptors"))
        connection.send([0x20, 3, 0, 0, 0])
        let body: [UInt8] = [0, 1, 0x61, 0] + [UInt8](repeating: 0x70, count: 1_000_000)
        connection.send(BrokerTraffic.packet(0x30, body))
        #expect(connection.counts.messages == 1)
        #expect(connection.end == nil)
        connection.send(BrokerTraffic.packet(0x30, body + body))
        #expect(connection.end?.contains("more than the 1048576 that are accepted") == true)
    }

    @Test func takesLeaveAlthoughMessagesWait() throws {
        let connection = try OfflineConnection(version: .v5).orThrow(EventRecorder.NotSeen(description: "descriptors"))
        connection.send([0x20, 3, 0, 0, 0])
        let message = BrokerTraffic.packet(0x30, [0, 1, 0x61, 0, 0x70])
        #expect(connection.leave(while: Array(repeatElement(message, count: 100).joined())))
        #expect(connection.end == nil)
    }

    @Test func triesTheNextAddressOfAHost() async throws {
        let broker = FakeBroker(.silent)
        defer { broker.stop() }
        // Nothing listens at the first one.
        let connector = try TCPConnector(
            BrokerAddress(host: "boat", port: broker.port), hosts: ["127.0.0.2", "127.0.0.1"],
            deadline: .now + .seconds(10))
        var socket: Int32?
        let deadline = ContinuousClock.now + .seconds(10)
        while socket == nil, ContinuousClock.now < deadline {
            var entry = pollfd(fd: connector.socket, events: Int16(POLLOUT), revents: 0)
            let count = poll(&entry, 1, 1000)
            socket = try connector.advance(isReady: count > 0)
        }
        close(try socket.orThrow(EventRecorder.NotSeen(description: "a connection")))
    }

    @Test func saysWhatTheFirstAddressThatAnsweredSaid() throws {
        let failure = #expect(throws: ConnectionFailure.self) {
            // A broadcast address is unreachable for TCP; nothing listens at the other one.
            let connector = try TCPConnector(
                BrokerAddress(host: "boat", port: 1), hosts: ["255.255.255.255", "127.0.0.2"],
                deadline: .now + .seconds(10))
            while true {
                var entry = pollfd(fd: connector.socket, events: Int16(POLLOUT), revents: 0)
                _ = try connector.advance(isReady: poll(&entry, 1, 1000) > 0)
            }
        }
        #expect(failure?.reason == "connection refused by boat:1: no broker listens there")
    }
}
