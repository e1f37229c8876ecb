import Testing

@testable import Bridge

@Suite("What the bridge tells of itself")
struct BridgeStateTests {
    private func configuration(_ text: String, file: String = "") throws -> Configuration {
        var configuration = try Configuration.parse(
            text: text, file: "test.toml", readSecret: { _ in Array("hush".utf8) })
        configuration.file = file
        return configuration
    }

    @Test("the information has what differs from the defaults, as JSON, and no secret")
    func information() throws {
        let configuration = try configuration(
            """
            ports = ["/dev/ttyUSB0", "/dev/tty\\"odd"]
            [broker]
            url = "mqtts://me:s3cret@boat"
            [poll]
            fast = "2s"
            [schema]
            qos = 2
            """)
        let info = try #require(JSONValue(Array(BridgeInfo(configuration).json.utf8)))
        #expect(info["version"] == .text(Daemon.version))
        #expect(info["protocols"] == .array([.text("VE.Direct HEX"), .text("VE.Direct TEXT")]))
        let options = try #require(info["configuration"])
        #expect(options["poll.fast"] == .text("2s"))
        #expect(options["schema.qos"] == .number("2"))
        #expect(options["ports"] == .array([.text("/dev/ttyUSB0"), .text("/dev/tty\"odd")]))
        #expect(options["poll.slow"] == nil)
        #expect(!info.json.contains("s3cret"))
    }

    @Test("no word of a password is told, wherever it stood")
    func secrets() throws {
        for line in ["password = \"hush\"", "password_file = \"/x\""] {
            let configuration = try configuration("[broker]\nusername = \"me\"\n\(line)\n")
            #expect(configuration.broker.password?.reveal() == "hush")
            #expect(!BridgeInfo(configuration).json.contains("hush"))
        }
    }

    @Test("two bridges on one machine have different client ids, and each the same after a restart")
    func marks() throws {
        let first = try configuration("", file: "/etc/vebridge/roof.toml")
        let second = try configuration("", file: "/etc/vebridge/deck.toml")
        #expect(BridgeMark.of(first, machine: "a") == BridgeMark.of(first, machine: "a"))
        #expect(BridgeMark.of(first, machine: "a") != BridgeMark.of(second, machine: "a"))
        #expect(BridgeMark.of(first, machine: "a") != BridgeMark.of(first, machine: "b"))
        // Without a file the ports tell them apart.
        var (left, right) = (Configuration(), Configuration())
        left.ports = ["/dev/ttyUSB0"]
        right.ports = ["/dev/ttyUSB1"]
        #expect(BridgeMark.of(left, machine: "a") != BridgeMark.of(right, machine: "a"))
        right.ports = left.ports
        right.bridge.name = "deck"
        #expect(BridgeMark.of(left, machine: "a") != BridgeMark.of(right, machine: "a"))
        #expect(BridgeMark.of(left, machine: "").count == 6)
    }

    @Test("a name moves the topics about the bridge; one that is a topic is refused")
    func names() throws {
        #expect(try configuration("").bridge.place == "vebridge/bridge")
        #expect(try configuration("[bridge]\nname = \"roof\"").bridge.place == "vebridge/bridge/roof")
        for name in ["state", "request", "a/b", "a b"] {
            #expect(throws: ConfigurationError.self) { try configuration("[bridge]\nname = \"\(name)\"") }
        }
    }

    @Test("is told at intervals, soon after a change, and not at all where nobody listens")
    func feed() {
        var feed = BridgeFeed(Configuration(), isWanted: true)
        #expect(feed.due == nil)
        let first = feed.take(at: .seconds(1), isForced: true)
        #expect(first && feed.due == .seconds(61))
        feed.noteChange(at: .seconds(10))
        feed.noteChange(at: .milliseconds(10_900))
        #expect(feed.due == .seconds(11))
        let early = feed.take(at: .seconds(10))
        let due = feed.take(at: .seconds(11))
        #expect(!early && due)
        var silent = BridgeFeed(Configuration(), isWanted: false)
        silent.noteChange(at: .seconds(1))
        let taken = silent.take(at: .seconds(5), isForced: true)
        #expect(silent.due == nil && !taken)
    }

    @Test("ports have one level of a topic each, and those that are gone are taken back")
    func ports() {
        #expect(BridgeFeed.topicName("/dev/ttyUSB0") == "ttyUSB0")
        #expect(BridgeFeed.topicName("/dev/serial/by-id/usb-x+1") == "serial_by-id_usb-x_1")
        #expect(BridgeFeed.topicName("/tmp/a#") == "tmp_a_")
        var feed = BridgeFeed(Configuration(), isWanted: true)
        let both = feed.portMessages([("/dev/a", "{}"), ("/dev/b", "{}")])
        #expect(both.map(\.topic) == ["vebridge/bridge/ports/a", "vebridge/bridge/ports/b"])
        #expect(both.allSatisfy { $0.retain && $0.expiry == .seconds(180) })
        let one = feed.portMessages([("/dev/b", "{}")])
        #expect(one.map(\.topic) == ["vebridge/bridge/ports/b", "vebridge/bridge/ports/a"])
        #expect(one[1].payload.isEmpty && one[1].retain)
        #expect(feed.portMessages([("/dev/b", "{}")]).count == 1)
    }

    @Test("the processor's share is that since the last look")
    func meter() {
        var meter = ProcessMeter()
        _ = meter.look(at: .seconds(1))
        let figures = meter.look(at: .seconds(1_000_001))
        #expect(figures.cpu >= 0 && figures.cpu < 0.1)
        #expect(figures.resident > 1_000_000)
    }
}
