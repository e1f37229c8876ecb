import Glibc
import Testing

@testable import Bridge

@Suite(
    .timeLimit(.minutes(2)),
    .enabled(
        if: PrivateBroker.find("mosquitto") != nil && TestCertificates.isPossible,
        "mosquitto or openssl is not installed"))
struct MQTTClientTLSTests {
    /// Connects with the files given and answers the first event.
    private func firstEvent(_ address: BrokerAddress, _ files: TLSSettings) async throws -> MQTTClient.Event {
        let recorder = EventRecorder()
        let client = MQTTClient(settings: .init(address: address, tls: files)) { recorder.record($0) }
        try client.start()
        try await recorder.wait("an event") { !$0.isEmpty }
        client.stop()
        return try recorder.events.first.orThrow(EventRecorder.NotSeen(description: "an event"))
    }

    private func failure(
        _ address: BrokerAddress, _ files: TLSSettings
    ) async throws -> MQTTClient.Disconnection? {
        if case .disconnected(let failure) = try await firstEvent(address, files) { failure } else { nil }
    }

    @Test func connectsOnlyToATrustedBroker() async throws {
        let certificates = try await TestCertificates.shared()
        let broker = try PrivateBroker(.init(lines: certificates.broker()))
        let trusting = TLSSettings(authorities: certificates.authority)
        let byName = BrokerAddress(host: "localhost", port: broker.port, tls: true)
        let byNumber = BrokerAddress(host: "127.0.0.1", port: broker.port, tls: true)
        #expect(try await firstEvent(byName, trusting) == .connected(.v5))

        // The certificate doesn't name the address.
        let misnamed = try #require(try await failure(byNumber, trusting))
        #expect(misnamed.cause == .tls)
        #expect(misnamed.reason.contains("does not name 127.0.0.1"))
        let lenient = TLSSettings(authorities: certificates.authority, checksHostName: false)
        #expect(try await firstEvent(byNumber, lenient) == .connected(.v5))

        // The system doesn't know the authority.
        let unknown = try #require(try await failure(byName, TLSSettings()))
        #expect(unknown.cause == .tls)
        #expect(unknown.reason.contains("is signed by an unknown authority"))
    }

    @Test func exchangesMessages() async throws {
        let certificates = try await TestCertificates.shared()
        let broker = try PrivateBroker(.init(lines: certificates.broker()))
        let address = BrokerAddress(host: "localhost", port: broker.port, tls: true)
        let recorder = EventRecorder()
        let files = TLSSettings(authorities: certificates.authority)
        let client = MQTTClient(settings: .init(address: address, tls: files)) { recorder.record($0) }
        client.subscribe("t/#", qos: 1)
        try client.start()
        try await recorder.waitForSubscription("t/#")
        let large = String(repeating: "x", count: 200_000)
        #expect(client.publish("t/large", large, qos: 1, retain: false) == .accepted)
        for number in 0..<200 { #expect(client.publish("t/n", "\(number)", qos: 1, retain: false) == .accepted) }
        try await recorder.wait("all messages") { EventRecorder.messages($0).count >= 201 }
        #expect(recorder.messages == ["t/large=\(large)"] + (0..<200).map { "t/n=\($0)" })
        #expect(client.stop() == .clean)
    }

    @Test func saysWhenOnlyOneSideSpeaksTLS() async throws {
        let plain = try PrivateBroker()
        let towardsPlain = BrokerAddress(host: "localhost", port: plain.port, tls: true)
        let first = try #require(try await failure(towardsPlain, TLSSettings()))
        #expect(first.reason.contains("TLS"))
        let certificates = try await TestCertificates.shared()
        let broker = try PrivateBroker(.init(lines: certificates.broker()))
        let towardsTLS = BrokerAddress(host: "localhost", port: broker.port, tls: false)
        let second = try #require(try await failure(towardsTLS, TLSSettings()))
        #expect(second.cause == .closed)
    }
}
