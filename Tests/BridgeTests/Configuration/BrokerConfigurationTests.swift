import Testing

@testable import Bridge

@Suite("Brokers, trust and remote logs in TOML")
struct BrokerConfigurationTests {
    private let pin = String(repeating: "0a", count: 32)

    @Test("further brokers have everything that the first has")
    func brokers() throws {
        let read = try configuration(
            """
            [broker]
            url = "mqtt://localhost"
            [broker.offline]
            samples = ["venetworking/+/edbc"]
            limit = 500
            [[brokers]]
            name = "home"
            url = "mqtts://me@home.example"
            password_env = "HOME_PW"
            send = ["vebridge/#"]
            queue = 500
            will_delay = "30s"
            [brokers.tls]
            server_name = "mqtt.home.example"
            fingerprint = ["sha256:\(pin)", "\(pin.uppercased())"]
            [brokers.offline]
            samples = ["#"]
            [[brokers]]
            url = "mdns:boat"
            [brokers.tls]
            psk_identity = "vebridge"
            psk_env = "KEY"
            """,
            environment: ["HOME_PW": "secret", "KEY": "00FF"])
        #expect(read.broker.offline.samples == ["venetworking/+/edbc"] && read.broker.offline.limit == 500)
        #expect(read.brokers.count == 2)
        let home = try #require(read.brokers.first)
        #expect(home.url == .server(.init(transport: .mqtts, host: "home.example")))
        #expect(home.name == "home" && home.username == "me" && home.password == Secret("secret"))
        #expect(home.send == ["vebridge/#"] && home.queue == 500 && home.willDelay == .seconds(30))
        #expect(home.tls.serverName == "mqtt.home.example")
        #expect(home.tls.fingerprint.count == 2 && home.offline.samples == ["#"])
        let boat = read.brokers[1]
        #expect(boat.url == .mdns(instance: "boat"))
        let tls = TLSSettings(boat.tls, stateDirectory: "")
        #expect(tls.preSharedKey == .init(identity: "vebridge", key: [0, 0xFF]))
        // The list for the log has all of it, and no secret.
        let shown = read.redactedDescription()
        #expect(shown.contains("brokers[0].url = \"mqtts://home.example:8883\""))
        #expect(shown.contains("brokers[0].tls.fingerprint = [\"sha256:0a"))
        #expect(!shown.contains("secret") && !shown.contains("00FF"))
    }

    @Test(
        "what does not fit together is refused, where it stands",
        arguments: [
            ("[[brokers]]\nname = \"x\"", "1: [[brokers]] has no url: add url = \"mqtt://…\""),
            (
                "[[brokers]]\nurl = \"mqtt://a\"\n[brokers.tls]\nca_file = \"/x\"",
                "4: 'brokers[0].tls.ca_file' has no use with 'mqtt://', which is not encrypted: write 'mqtts://' in brokers[0].url"
            ),
            (
                "[[brokers]]\nurl = \"mqtts://a\"\n[brokers.tls]\nca_fil = \"/x\"",
                "4: unknown key 'ca_fil' in [[brokers.tls]]: did you mean 'ca_file'?"
            ),
            ("brokers = 3", "1: 'brokers' is an array of tables, not a whole number: write [[brokers]] on a line"),
            (
                "[broker]\nurl = \"mqtts://a\"\n[broker.tls]\nca_file = \"/x\"\nfingerprint = \"\(String(repeating: "0a", count: 32))\"",
                "4: 'broker.tls.ca_file' is given, and 'fingerprint' says already whom to trust: keep one of them"
            ),
            (
                "[broker]\nurl = \"mqtts://a\"\n[broker.tls]\ntrust_on_first_use = true",
                "4: 'broker.tls.trust_on_first_use' needs a place to keep the certificate: add state_directory = \"/var/lib/vebridge\" below [bridge]"
            ),
            (
                "[broker]\nurl = \"mqtts://a\"\n[broker.tls]\npsk_identity = \"x\"",
                "4: 'broker.tls.psk_identity' is given without a key: add psk_file or psk_env"
            ),
            (
                "[broker]\nurl = \"mqtts://a\"\n[broker.tls]\npsk_identity = \"x\"\npsk_env = \"BAD_KEY\"",
                "5: 'broker.tls.psk_env': the key is not 1 to 256 bytes in hex digits"
            ),
            (
                "[broker]\nsend = [\"a/#/b\"]",
                "2: 'broker.send' has \"a/#/b\", which is no topic: '+' stands for one level, '#' for the rest, alone"
            ),
            ("[broker]\nqueue = 5", "2: 'broker.queue' must be a whole number, 100 to 100000, not 5"),
            (
                "[log.syslog]\naddress = \"log.lan\"",
                "2: 'log.syslog.address' is not the address of a log server: write for example \"udp://log.lan:514\""
            ),
        ])
    func refused(text: String, message: String) {
        #expect(faults(text, environment: ["BAD_KEY": "xyz"]) == ["vebridge.toml:\(message)"])
    }

    @Test("trust on first use keeps its file in the state directory")
    func trustFile() throws {
        let read = try configuration(
            "[broker]\nurl = \"mqtts://a\"\n[broker.tls]\ntrust_on_first_use = true\n[bridge]\nstate_directory = \"/var/lib/vebridge\""
        )
        let tls = TLSSettings(read.broker.tls, stateDirectory: read.bridge.stateDirectory)
        #expect(tls.trustFile == "/var/lib/vebridge/trusted-brokers")
    }
}
