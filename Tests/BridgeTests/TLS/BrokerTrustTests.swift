import Glibc
import Testing

@testable import Bridge

/// A real broker with real certificates: who is let in, who is refused, and what the one line says.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(
        if: PrivateBroker.find("mosquitto") != nil && TestCertificates.isPossible,
        "mosquitto or openssl is not installed"))
struct BrokerTrustTests {
    let certificates: TestCertificates

    init() async throws { certificates = try await .shared() }

    /// What came of one attempt to connect.
    private func attempt(
        _ broker: PrivateBroker, host: String = "localhost", _ tls: TLSSettings,
        _ change: (inout MQTTClient.Settings) -> Void = { _ in }
    ) async throws -> [MQTTClient.Event] {
        let recorder = EventRecorder()
        var settings = MQTTClient.Settings(
            address: BrokerAddress(host: host, port: broker.port, tls: true), reconnectMinimum: .seconds(60),
            reconnectMaximum: .seconds(60), tls: tls)
        change(&settings)
        let client = MQTTClient(settings: settings) { recorder.record($0) }
        try client.start()
        try await recorder.wait("an answer") { events in
            events.contains { if case .trusted = $0 { false } else { true } }
        }
        client.stop()
        return recorder.events
    }

    private func refusal(_ events: [MQTTClient.Event]) throws -> MQTTClient.Disconnection {
        #expect(!events.contains(.connected(.v5)) && !events.contains(.connected(.v311)))
        guard case .disconnected(let failure) = events.first else {
            throw EventRecorder.NotSeen(description: "a refusal; \(events)")
        }
        return failure
    }

    private func broker(_ name: String, _ lines: [String] = []) throws -> PrivateBroker {
        try PrivateBroker(.init(lines: certificates.broker(name) + lines))
    }

    // MARK: An authority

    @Test func acceptsWhatTheAuthoritySigned() async throws {
        let trusting = TLSSettings(authorities: certificates.authority)
        #expect(try await attempt(broker("good"), trusting).first == .connected(.v5))
        #expect(try await attempt(broker("byaddress"), host: "127.0.0.1", trusting).first == .connected(.v5))
        let named = TLSSettings(authorities: certificates.authority, serverName: "elsewhere.example")
        #expect(try await attempt(broker("elsewhere"), named).first == .connected(.v5))
    }

    @Test func refusesTheCertificateOfAnotherHost() async throws {
        let failure = try refusal(
            await attempt(broker("elsewhere"), TLSSettings(authorities: certificates.authority)))
        #expect(failure.cause == .tls)
        for part in [
            "the certificate does not name localhost", "subject CN=elsewhere.example", "names DNS:elsewhere.example",
            "issuer CN=authority", "valid 20", "\(try certificates.fingerprint("elsewhere"))",
            "accepted: a valid certificate that names localhost, signed by an authority in \(certificates.authority)",
        ] {
            #expect(failure.reason.contains(part), "'\(part)' in: \(failure.reason)")
        }
        #expect(!failure.reason.contains("\n"))
        // By its number, a broker whose certificate has only a name.
        let byNumber = try refusal(
            await attempt(broker("good"), host: "127.0.0.1", TLSSettings(authorities: certificates.authority)))
        #expect(byNumber.reason.contains("the certificate does not name 127.0.0.1"))
    }

    @Test func refusesAnExpiredCertificate() async throws {
        let failure = try refusal(await attempt(broker("expired"), TLSSettings(authorities: certificates.authority)))
        #expect(failure.cause == .tls)
        #expect(failure.reason.contains("the certificate has expired (it is 20"), "\(failure.reason)")
        #expect(failure.reason.contains("valid 2020-01-01T00:00:00Z to 2020-02-01T00:00:00Z"), "\(failure.reason)")
    }

    @Test func refusesAnUnknownAuthority() async throws {
        let foreign = try refusal(await attempt(broker("foreign"), TLSSettings(authorities: certificates.authority)))
        #expect(foreign.reason.contains("is signed by an unknown authority"), "\(foreign.reason)")
        #expect(foreign.reason.contains("issuer CN=stranger"))
        let system = try refusal(await attempt(broker("good"), TLSSettings()))
        #expect(system.reason.contains("is signed by an unknown authority"), "\(system.reason)")
        #expect(system.reason.contains("an authority that this system trusts"))
        let own = try refusal(await attempt(broker("self"), TLSSettings(authorities: certificates.authority)))
        #expect(own.reason.contains("signed by nobody but itself"), "\(own.reason)")
    }

    // MARK: Pins

    @Test func acceptsAPinnedCertificateWhateverItSays() async throws {
        let pinned = TLSSettings(pins: [try certificates.fingerprint("self")])
        // It names no host, nobody vouches for it.
        #expect(try await attempt(broker("self"), pinned).first == .connected(.v5))
        #expect(try await attempt(broker("self"), host: "127.0.0.1", pinned).first == .connected(.v5))
        // The next certificate may be named beside the present one.
        let both = TLSSettings(pins: [
            try certificates.fingerprint("self"), try certificates.fingerprint("changed"),
        ])
        #expect(try await attempt(broker("changed"), both).first == .connected(.v5))
    }

    @Test func refusesAnotherCertificateThanThePinnedOne() async throws {
        let pin = try certificates.fingerprint("self")
        let failure = try refusal(await attempt(broker("changed"), TLSSettings(pins: [pin])))
        #expect(failure.cause == .tls)
        #expect(failure.reason.contains("not the pinned one"), "\(failure.reason)")
        #expect(failure.reason.contains("presented: subject O=boat,CN=self"), "\(failure.reason)")
        #expect(failure.reason.contains("\(try certificates.fingerprint("changed"))"))
        #expect(failure.reason.contains("accepted: only \(pin)"))
        // That an authority vouches for it does not help.
        #expect(try refusal(await attempt(broker("good"), TLSSettings(pins: [pin]))).cause == .tls)
    }

    // MARK: Trust on first use

    @Test func trustsTheFirstCertificateAndNoOther() async throws {
        let file = certificates.scratch("trusted")
        let first = TLSSettings(trustFile: file)
        let broker = try broker("self")
        let events = try await attempt(broker, first)
        guard case .trusted(let words) = events.first else {
            Issue.record("not said: \(events)")
            return
        }
        let server = "localhost:\(broker.port)"
        #expect(words.contains("\(try certificates.fingerprint("self"))") && words.contains(server), "\(words)")
        #expect(events.contains(.connected(.v5)))
        #expect(try TrustFile(path: file).fingerprint(of: server) == certificates.fingerprint("self"))
        // Known by now: nothing to say.
        #expect(try await attempt(broker, first).first == .connected(.v5))

        let impostor = try PrivateBroker(.init(lines: certificates.broker("changed")))
        try AtomicFile.write(
            Array("localhost:\(impostor.port) \(try certificates.fingerprint("self"))\n".utf8), to: file)
        let failure = try refusal(await attempt(impostor, first))
        #expect(failure.reason.contains("has changed since it was first trusted"), "\(failure.reason)")
        #expect(failure.reason.contains("take the line of localhost:\(impostor.port) out of \(file)"))
        // The user takes the line out: trusted anew.
        unlink(file)
        #expect(try await attempt(impostor, first).contains(.connected(.v5)))
    }

    @Test func trustsNobodyOnTheWordOfAFileThatCannotBeRead() async throws {
        let file = certificates.scratch("trusted")
        try AtomicFile.write(Array("what is this\n".utf8), to: file)
        let failure = try refusal(await attempt(broker("self"), TLSSettings(trustFile: file)))
        #expect(failure.reason.contains("whom to trust is not known: \(file) holds a line"), "\(failure.reason)")
    }

    @Test func doesNotKeepACertificateThatWasOfNoUse() async throws {
        // The password is wrong: the certificate is not kept.
        let broker = try PrivateBroker(.init(users: ["me": "right"], lines: certificates.broker("self")))
        let file = certificates.scratch("trusted")
        let failure = try refusal(
            await attempt(broker, TLSSettings(trustFile: file)) {
                $0.username = "me"
                $0.password = "wrong"
            })
        #expect(failure.cause == .notAuthorised)
        #expect(access(file, F_OK) != 0)
        #expect(
            try await attempt(broker, TLSSettings(trustFile: file)) {
                $0.username = "me"
                $0.password = "right"
            }.contains(.connected(.v5)))
    }

    // MARK: Our own certificate

    @Test func showsACertificateToABrokerThatWantsOne() async throws {
        let broker = try broker("good", ["cafile \(certificates.authority)", "require_certificate true"])
        var tls = TLSSettings(authorities: certificates.authority)
        let without = try refusal(await attempt(broker, tls))
        #expect(without.reason.contains("a client certificate"), "\(without.reason)")
        tls.certificate = certificates.path("client.pem")
        tls.key = certificates.path("client.key")
        #expect(try await attempt(broker, tls).first == .connected(.v5))
        tls.certificate = certificates.path("foreign.pem")
        tls.key = certificates.path("foreign.key")
        let foreign = try refusal(await attempt(broker, tls))
        // The alert is lost where the broker resets the connection right after it.
        #expect(foreign.cause == .tls || foreign.cause == .closed, "\(foreign.reason)")
    }

    @Test func saysWhichFileIsOfNoUse() async throws {
        let broker = try broker("good")
        let missing = try refusal(await attempt(broker, TLSSettings(authorities: certificates.path("nowhere.pem"))))
        #expect(missing.cause == .settings)
        #expect(missing.reason.contains("cannot read the CA file \(certificates.path("nowhere.pem"))"))
        let noCertificate = try refusal(await attempt(broker, TLSSettings(authorities: certificates.path("good.key"))))
        #expect(noCertificate.reason.contains("good.key holds no certificate"), "\(noCertificate.reason)")
        let mismatch = TLSSettings(
            authorities: certificates.authority, certificate: certificates.path("client.pem"),
            key: certificates.path("good.key"))
        #expect(try refusal(await attempt(broker, mismatch)).reason.contains("good.key is not the certificate's"))
    }

    // MARK: Pre-shared keys

    @Test func connectsByAPreSharedKey() async throws {
        let keys = certificates.scratch("psk")
        try AtomicFile.write(Array("boat:00112233445566778899aabbccddeeff\n".utf8), to: keys)
        let broker = try PrivateBroker(
            .init(lines: ["psk_hint vebridge", "psk_file \(keys)", "use_identity_as_username true"])
        )
        let right = TLSSettings(preSharedKey: .init(identity: "boat", hex: "00112233445566778899AABBCCDDEEFF"))
        #expect(try await attempt(broker, right).first == .connected(.v5))
        let wrong = TLSSettings(preSharedKey: .init(identity: "boat", hex: "FF112233445566778899AABBCCDDEEFF"))
        let failure = try refusal(await attempt(broker, wrong))
        #expect(failure.cause == .tls || failure.cause == .closed, "\(failure)")
        let stranger = TLSSettings(preSharedKey: .init(identity: "ship", hex: "00112233445566778899AABBCCDDEEFF"))
        #expect(try refusal(await attempt(broker, stranger)).cause == .tls)
        // A broker with a certificate is not the one that knows the key.
        #expect(try refusal(await attempt(self.broker("good"), right)).cause == .tls)
    }

    @Test func readsKeysAndFingerprints() throws {
        #expect(TLSSettings.PreSharedKey(identity: "a", hex: "0aFf")?.key == [0x0A, 0xFF])
        for wrong in ["", "0", "xy", "+1", "0a 1"] {
            #expect(TLSSettings.PreSharedKey(identity: "a", hex: wrong) == nil)
        }
        let pin = try certificates.fingerprint("good")
        #expect(CertificateFingerprint("\(pin)") == pin)
        #expect(CertificateFingerprint("SHA256:" + "\(pin)".dropFirst(7).uppercased()) == pin)
        #expect(CertificateFingerprint("sha1:00") == nil)
    }

    // MARK: Versions

    @Test func speaksNothingBelowTLS12() async throws {
        // A server of the old kind, as far as the library still makes one.
        for (version, accepted) in [("-tls1_1", false), ("-tls1_2", true)] {
            let port = try PrivateBroker().port
            let log = certificates.path("server\(version)")
            let command =
                "timeout 60 openssl s_server -accept 127.0.0.1:\(port) \(version) -cipher ALL:@SECLEVEL=0 -naccept 1 "
                + "-cert \(certificates.path("good.pem")) -key \(certificates.path("good.key")) >\(log) 2>&1 </dev/zero &"
            #expect(system(command) == 0)
            try await Listening.wait(port)
            let recorder = EventRecorder()
            let address = BrokerAddress(host: "localhost", port: port, tls: true)
            let client = MQTTClient(
                settings: .init(
                    address: address, reconnectMinimum: .seconds(60), reconnectMaximum: .seconds(60),
                    connectTimeout: .seconds(2), tls: .init(authorities: certificates.authority))
            ) { recorder.record($0) }
            try client.start()
            let failure = try await recorder.waitForDisconnection()
            client.stop()
            // A server that accepts says nothing of MQTT; one that does not fails in the handshake.
            #expect((failure.cause != .tls) == accepted, "\(version): \(failure)")
        }
    }
}

/// Waits for a port to be listened on, by the kernel's table: a connection would be taken for the client's.
enum Listening {
    static func wait(_ port: UInt16) async throws {
        let digits = String(port, radix: 16, uppercase: true)
        let wanted = ":" + String(repeating: "0", count: 4 - digits.count) + digits + " 00000000:0000 0A"
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let table = String(decoding: try Configuration.readFile("/proc/net/tcp", limit: 1 << 22), as: UTF8.self)
            if table.contains(wanted) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw EventRecorder.NotSeen(description: "nothing listens on \(port)")
    }
}
