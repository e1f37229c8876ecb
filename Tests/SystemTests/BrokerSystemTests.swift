import Bridge
import Glibc
import Simulation
import Synchronization
import Testing

/// The whole program and its brokers: found by name, asked over MQTT, told to log more.
@Suite(.timeLimit(.minutes(2)))
struct BrokerSystemTests {
    /// Why the test of discovery cannot be run here; nil if it can.
    private static let noDiscovery: String? = {
        if geteuid() != 0 { return "namespaces need root" }
        for tool in ["unshare", "nsenter", "ip", "mosquitto", "avahi-daemon", "dbus-daemon"] where !has(tool) {
            return "\(tool) is not installed"
        }
        return nil
    }()

    private static func has(_ tool: String) -> Bool {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"].contains {
            access("\($0)/\(tool)", X_OK) == 0
        }
    }

    @Test(
        "mdns: finds a broker that avahi-daemon announces, follows it, and notices that it is withdrawn",
        .enabled(if: BrokerSystemTests.noDiscovery == nil, "needs root, ip, avahi-daemon and dbus-daemon"))
    func discovery() async throws {
        var template = Array("/tmp/mdns-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
        let work = String(cString: try #require(made))
        defer { _ = system("rm -rf '\(work)'") }
        let script = try Program(
            path: "unshare",
            [
                "--net", "--mount", "--pid", "--fork", "--kill-child", Bench.root + "/Tests/SystemTests/mdns.sh",
                Program.vebridge, work,
            ])
        let ending = try await script.end(within: .seconds(90))
        let lines = script.output.entries.map(\.element)
        // Exit 77: this machine gives no namespaces, which is nobody's fault.
        if ending == .exit(77) {
            print("skipped: \(lines.joined(separator: " "))")
            return
        }
        #expect(ending == .exit(0), "\(lines.joined(separator: "\n"))")
        func said(after step: String) -> [String] {
            let rest = lines.drop { $0 != "step \(step)" }.dropFirst()
            return rest.prefix { !$0.hasPrefix("step ") }.map { line in
                String(line.drop { $0 != " " }.dropFirst())
            }
        }
        #expect(
            said(after: "none").last == "warning vebridge: no broker announces itself in the network yet; looking on")
        let here = "'boat' at brokerhost.local:1883 (10.87.0.2)"
        let there = "'boat' at brokerhost.local:1883 (10.87.0.3)"
        // One line for each thing that happened.
        #expect(
            said(after: "announced") == [
                "notice vebridge: broker found: \(here)", "notice vebridge: broker connected mqtt=5",
            ])
        #expect(
            said(after: "moved") == [
                "notice vebridge: broker \(here) moved: it is now \(there)", "notice vebridge: broker connected mqtt=5",
            ])
        #expect(
            said(after: "withdrawn") == [
                "warning vebridge: broker \(there) is announced no more; a connection is kept while it lasts"
            ])
        #expect(said(after: "returned") == ["notice vebridge: broker \(there) is announced again"])
        // avahi-daemon dies: the connection does not, and what happens meanwhile is noticed afterwards.
        let deaf = said(after: "deaf")
        #expect(deaf.count == 1 && deaf[0].contains("cannot look for a broker at present"), "\(deaf)")
        #expect(said(after: "listening").contains { $0.hasSuffix("broker \(there) moved: it is now \(here)") })
        #expect(lines.contains("boat"))
        #expect(said(after: "named").last == "notice vebridge: broker connected mqtt=5")
        #expect(lines.last == "step ended 0")
    }

    @Test(
        "requests are answered, and one of them makes the log on the topic louder",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func requests() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let (connected, continuation) = AsyncStream.makeStream(of: Void.self)
        let client = MQTTClient(settings: .init(address: broker.address)) { event in
            if case .connected = event { continuation.yield() }
        }
        try client.start()
        for await _ in connected { break }
        func answer(_ what: String, _ matches: @escaping @Sendable (String) -> Bool) async throws {
            try await board.messages.first(what) { matches("\($0.topic) \($0.payload)") }
        }
        let bridge = try Program("--ports", "/dev/no-such-port-*", "--broker", Bench.address(broker))
        try await answer("the state") { $0 == "vebridge/bridge/state online" }
        // What was logged before there was a connection came along.
        try await answer("the log") {
            $0.hasPrefix("vebridge/bridge/log {") && $0.contains("no port matches yet")
        }
        func ask(_ name: String, _ payload: String) {
            _ = client.publish("vebridge/bridge/request/\(name)", payload, qos: 1, retain: false)
        }
        ask("health", #"{"transaction":"h"}"#)
        try await answer("health") {
            $0.hasPrefix(#"vebridge/bridge/response/health {"status":"ok","data":{"uptime":"#)
                && $0.contains(#""connected":true"#) && $0.hasSuffix(#""transaction":"h"}"#)
        }
        ask("log_level", #"{"level":"trace","transaction":1}"#)
        try await answer("the level") {
            $0
                == #"vebridge/bridge/response/log_level {"status":"ok","data":{"local":"info","mqtt":"trace"},"transaction":1}"#
        }
        ask("republish", "")
        try await answer("the answer") { $0 == #"vebridge/bridge/response/republish {"status":"ok","data":{}}"# }
        ask("set", "1")
        try await answer("a refusal") { $0.hasPrefix(#"vebridge/bridge/response/set {"status":"error""#) }
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
        try await answer("the farewell") { $0 == "vebridge/bridge/state offline" }
        client.stop()
    }

    @Test(
        "two brokers by a file: the second trusted on first use and given a part, the first told what it missed",
        .enabled(if: Bench.hasMosquitto && BrokerSystemTests.has("openssl"), "mosquitto or openssl is not installed"))
    func twoBrokers() async throws {
        let scratch = ScratchDirectory()
        let made = system(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=boat "
                + "-keyout '\(scratch.path)/key' -out '\(scratch.path)/certificate' 2>/dev/null")
        #expect(made == 0)
        let local = try PrivateBroker()
        let remote = try PrivateBroker(
            .init(
                users: ["me": "s3cret"],
                lines: ["certfile \(scratch.path)/certificate", "keyfile \(scratch.path)/key"]))
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let config = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(chargers.paths[0])"]
            [bridge]
            state_directory = "\(scratch.path)"
            [broker]
            url = "\(Bench.address(local))"
            [broker.offline]
            samples = ["venetworking/+/edbc"]
            [[brokers]]
            name = "home"
            url = "mqtts://me@localhost:\(remote.port)"
            password_file = "\(scratch.file("password", "s3cret\n"))"
            send = ["venetworking/+/edbc", "vebridge/bridge/state"]
            [brokers.tls]
            trust_on_first_use = true
            """)
        let here = try await Board(local)
        var settings = MQTTClient.Settings(
            address: BrokerAddress(host: "localhost", port: remote.port, tls: true), username: "me", password: "s3cret")
        settings.tls = TLSSettings(trustFile: scratch.path + "/observer")
        let there = Timeline<String>()
        let (subscribed, continuation) = AsyncStream.makeStream(of: Void.self)
        let observer = MQTTClient(settings: settings) { event in
            switch event {
            case .message(let topic, _, _, _): there.append(topic)
            case .subscribed: continuation.yield()
            default: break
            }
        }
        observer.subscribe("#", qos: 1)
        try observer.start()
        for await _ in subscribed { break }

        let bridge = try Program("--config", config)
        let power = "/venetworking/HQ2012ABCDE/edbc"
        try await bridge.errors.first("the trust is told") {
            $0.contains("trusted on first use") && $0.contains("sha256:") && $0.contains("broker=home")
        }
        try await here.messages.first("power") { $0.topic == power }
        try await here.messages.first("voltage") { $0.topic == "/venetworking/HQ2012ABCDE/edef" }
        try await there.first("power, at the other one") { $0 == power }
        #expect(Set(there.elements).isSubset(of: [power, "vebridge/bridge/state"]))

        local.kill()
        try await bridge.errors.first("the loss is told") { $0.contains("broker not connected") }
        // The other one goes on, and what it gets is missed by the first.
        let count = there.count
        try await there.wait("three more") { $0.count >= count + 3 }
        let news = here.messages.count
        try local.restart()
        let missed = try await here.messages.first("what was missed", from: news) { $0.topic == power + "/missed" }
        let payload = missed.element.payload
        #expect(payload.hasPrefix("{\"samples\":[[1") && payload.hasSuffix("]],\"dropped\":0}"), "\(payload)")
        // The current value came first.
        let current = try await here.messages.first("power", from: news) { $0.topic == power }
        #expect(current.time <= missed.time)
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
        observer.stop()
    }
}
