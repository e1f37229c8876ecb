import Glibc
import Testing

@testable import Bridge

/// A certificate authority and a certificate for `localhost`, made by openssl in a directory of their own.
private final class Certificates: Sendable {
    struct Failure: Error {}
    let directory: String
    var authority: String { directory + "/ca.pem" }

    init() throws {
        var template = Array("/tmp/certificates-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
        directory = String(cString: try made.orThrow(Failure()))
        let script = """
            cd \(directory) && exec >/dev/null 2>&1
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem &&
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem &&
            printf 'subjectAltName=DNS:localhost' > names &&
            openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 2 -extfile names -out certificate.pem
            """
        guard system(script) == 0 else { throw Failure() }
    }

    deinit { _ = system("rm -r '\(directory)'") }

    /// Lines for the broker: the port speaks TLS only.
    var brokerLines: [String] { ["certfile \(directory)/certificate.pem", "keyfile \(directory)/key.pem"] }
}

@Suite(
    .timeLimit(.minutes(2)),
    .enabled(
        if: PrivateBroker.find("mosquitto") != nil && PrivateBroker.find("openssl") != nil,
        "mosquitto or openssl is not installed"))
struct MQTTClientTLSTests {
    /// Connects with the files given and answers the first event.
    private func firstEvent(_ address: BrokerAddress, _ files: MQTTClient.TLSFiles) async throws -> MQTTClient.Event {
        let recorder = EventRecorder()
        let client = MQTTClient(settings: .init(address: address, tls: files)) { recorder.record($0) }
        try client.start()
        try await recorder.wait("an event") { !$0.isEmpty }
        client.stop()
        return try recorder.events.first.orThrow(EventRecorder.NotSeen(description: "an event"))
    }

    private func failure(
        _ address: BrokerAddress, _ files: MQTTClient.TLSFiles
    ) async throws -> MQTTClient.Disconnection? {
        if case .disconnected(let failure) = try await firstEvent(address, files) { failure } else { nil }
    }

    @Test func connectsOnlyToATrustedBroker() async throws {
        let certificates = try Certificates()
        let broker = try PrivateBroker(.init(lines: certificates.brokerLines))
        let trusting = MQTTClient.TLSFiles(authorities: certificates.authority)
        let byName = BrokerAddress(host: "localhost", port: broker.port, tls: true)
        let byNumber = BrokerAddress(host: "127.0.0.1", port: broker.port, tls: true)
        #expect(try await firstEvent(byName, trusting) == .connected(.v5))

        // The certificate doesn't name the address.
        let misnamed = try #require(try await failure(byNumber, trusting))
        #expect(misnamed.cause == .tls)
        #expect(misnamed.reason.contains("does not name 127.0.0.1"))
        let lenient = MQTTClient.TLSFiles(authorities: certificates.authority, checksHostName: false)
        #expect(try await firstEvent(byNumber, lenient) == .connected(.v5))

        // The system doesn't know the authority.
        let unknown = try #require(try await failure(byName, MQTTClient.TLSFiles()))
        #expect(unknown.cause == .tls)
        #expect(unknown.reason.contains("not signed by a trusted authority"))
    }

    @Test func exchangesMessages() async throws {
        let certificates = try Certificates()
        let broker = try PrivateBroker(.init(lines: certificates.brokerLines))
        let address = BrokerAddress(host: "localhost", port: broker.port, tls: true)
        let recorder = EventRecorder()
        let files = MQTTClient.TLSFiles(authorities: certificates.authority)
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
        let first = try #require(try await failure(towardsPlain, MQTTClient.TLSFiles()))
        #expect(first.reason.contains("TLS"))
        let certificates = try Certificates()
        let broker = try PrivateBroker(.init(lines: certificates.brokerLines))
        let towardsTLS = BrokerAddress(host: "localhost", port: broker.port, tls: false)
        let second = try #require(try await failure(towardsTLS, MQTTClient.TLSFiles()))
        #expect(second.cause == .closed)
    }
}
