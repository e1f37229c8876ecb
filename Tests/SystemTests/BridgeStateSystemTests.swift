import Bridge
import Glibc
import Simulation
import Testing

/// What the running program tells of itself, and what it does when asked.
@Suite("The bridge about itself", .timeLimit(.minutes(3)), .serialized)
struct BridgeStateSystemTests {
    private static let place = "vebridge/bridge"

    private static var hasClients: Bool { access("/usr/bin/mosquitto_rr", X_OK) == 0 }

    /// A client that asks.
    private func asker(_ broker: PrivateBroker) async throws -> MQTTClient {
        let (connected, continuation) = AsyncStream.makeStream(of: Void.self)
        let client = MQTTClient(settings: .init(address: broker.address)) { event in
            if case .connected = event { continuation.yield() }
        }
        try client.start()
        for await _ in connected { break }
        return client
    }

    @Test(
        "state, information, health, devices and ports are there for whoever comes later",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func topics() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE"), .blueSolar75x15(serial: "HQ2013FGHIJ")])
        let scratch = ScratchDirectory()
        let config = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(chargers.paths[0])", "\(chargers.paths[1])"]
            [broker]
            url = "\(Bench.address(broker))"
            [bridge]
            interval = "5s"
            """)
        let bridge = try Program("--config", config)
        let board = try await Board(broker)
        try await board.messages.first("both chargers", limit: .seconds(30)) {
            $0.topic == "\(Self.place)/devices" && $0.payload.contains("HQ2012ABCDE")
                && $0.payload.contains("HQ2013FGHIJ") && $0.payload.contains("\"product\":")
        }
        let port = BridgeStateSystemTests.topicName(chargers.paths[0])
        try await board.messages.first("the first is polled", limit: .seconds(30)) {
            $0.topic == "\(Self.place)/ports/\(port)" && $0.payload.contains("\"state\":\"polling\"")
        }
        // Another one comes later.
        let late = try await Board(broker)
        try await late.topics([
            "\(Self.place)/state", "\(Self.place)/info", "\(Self.place)/health", "\(Self.place)/devices",
            "\(Self.place)/ports/\(port)",
        ])
        func payload(_ name: String) -> String { late.payloads("\(Self.place)/\(name)").first ?? "" }
        #expect(payload("state") == "online")
        #expect(payload("info").contains("\"version\":\"\(Daemon.version)\""))
        #expect(payload("info").contains("\"bridge.interval\":\"5s\""))
        #expect(payload("info").contains("\"configuration_file\":\"\(config)\""))
        #expect(payload("devices").contains("\"serial\":\"HQ2012ABCDE\""))
        #expect(payload("devices").contains("\"answers\":true"))
        #expect(payload("ports/\(port)").contains("\"state\":\"polling\""))
        for part in ["\"uptime\":", "\"cpu_percent\":", "\"resident_bytes\":", "\"chargers\":2", "\"connected\":true"] {
            #expect(payload("health").contains(part), "\(part)")
        }
        for entry in late.messages.elements where entry.topic.hasPrefix(Self.place + "/ports") {
            #expect(entry.isRetained)
            break
        }
        // By now an acknowledgement was timed.
        try await board.messages.first("the broker's latency") {
            $0.topic == "\(Self.place)/health" && $0.payload.contains("\"latency_ms\":")
                && !$0.payload.contains("\"latency_ms\":null")
        }
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
        try await board.message("\(Self.place)/state", "offline")
    }

    private static func topicName(_ path: String) -> String {
        String(path.dropFirst(5).map { $0 == "/" ? "_" : $0 })
    }

    @Test(
        "a register is read on demand, and nothing that is asked for writes to a charger",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func requests() async throws {
        let broker = try PrivateBroker()
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE", firmware: .v164)])
        let board = try await Board(broker)
        let client = try await asker(broker)
        let bridge = try Program("--ports", chargers.paths[0], "--broker", Bench.address(broker))
        try await board.message("/venetworking/HQ2012ABCDE/edbc")
        func ask(_ name: String, _ payload: String) {
            _ = client.publish("\(Self.place)/request/\(name)", payload, qos: 1, retain: false)
        }
        func answer(_ what: String, _ matches: @escaping @Sendable (String) -> Bool) async throws {
            try await board.messages.first(what, limit: .seconds(15)) {
                $0.topic.hasPrefix("\(Self.place)/response/") && matches($0.payload)
            }
        }
        ask("read", #"{"device":"HQ2012ABCDE","register":"battery_absorption_voltage","transaction":"r1"}"#)
        try await answer("the absorption voltage") {
            $0.hasPrefix(#"{"status":"ok","data":{"serial":"HQ2012ABCDE""#) && $0.contains(#""register":"EDF7""#)
                && $0.contains(#""unit":"V""#) && $0.hasSuffix(#""transaction":"r1"}"#)
        }
        ask("read", "HQ2012ABCDE 7777")
        try await answer("a refusal") { $0.contains("the device does not have this register") }
        ask("read", #"{"device":"HQ9999ZZZZZ","register":"EDBC"}"#)
        try await answer("an unknown charger") { $0.contains("there are HQ2012ABCDE") }
        ask("read", "HQ2012ABCDE panel_powr")
        try await answer("an unknown name") { $0.contains("did you mean panel_power?") }
        ask("read", #"{"device":"HQ2012ABCDE","register":"EDBC","value":"01"}"#)
        try await answer("a value is no matter") { $0.contains(#""register":"EDBC""#) }
        ask("read", "{]")
        try await answer("no JSON") { $0.contains("the request is not JSON") }
        for name in ["set", "write", "restart", "boot", "read/../set", "SET"] { ask(name, "EDF7 05DC") }
        try await answer("no such request") { $0.contains("unknown request 'boot'") }
        // After all that, and once more around, the charger was asked and nothing else.
        let news = board.count
        try await board.message("/venetworking/HQ2012ABCDE/edbc", from: news)
        #expect(chargers.host.plant.chargers[0].forbiddenCommands == 0)
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
        client.stop()
    }

    @Test(
        "an answer goes to a response topic that is allowed, with the correlation data; else to the usual topic",
        .enabled(if: Bench.hasMosquitto && BridgeStateSystemTests.hasClients, "mosquitto or its clients are missing"))
    func responseTopic() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let scratch = ScratchDirectory()
        let file = scratch.file(
            "vebridge.toml",
            """
            ports = ["/dev/no-such-port-*"]
            [broker]
            url = "\(Bench.address(broker))"
            [readable]
            prefix = "boat"
            [bridge]
            reply_topics = ["clients"]
            """)
        let bridge = try Program("--config", file)
        try await board.message("\(Self.place)/state", "online")
        func ask(_ reply: String) throws -> Program {
            try Program(
                path: "mosquitto_rr",
                [
                    "-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "-W", "5", "-t",
                    "\(Self.place)/request/health", "-e", reply, "-D", "publish", "correlation-data", "c17", "-F",
                    "%t %D %p", "-m", "",
                ])
        }
        for topic in ["clients/me", "\(Self.place)/response/me"] {
            let good = try ask(topic)
            let line = try await good.output.first("an answer") { _ in true }.element
            #expect(line.hasPrefix("\(topic) c17 {\"status\":\"ok\""), "\(line)")
            #expect(!line.contains("response topic"))
        }
        // Not where the bridge or another program publishes: the usual topic has the answer, and says why.
        for topic in ["/venetworking/HQ2012ABCDE/edbc", "boat/battery/availability", "zigbee2mqtt/bridge/request/x"] {
            let start = board.count
            let bad = try ask(topic)
            try await board.messages.first("the answer on the usual topic", from: start) {
                $0.topic == "\(Self.place)/response/health" && $0.payload.hasPrefix("{\"status\":\"ok\"")
                    && $0.payload.contains("the response topic is ignored")
            }
            #expect(board.payloads(topic).isEmpty, "\(topic)")
            bad.signal(SIGKILL)
        }
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
    }

    @Test(
        "two bridges in one place notice each other, and two with one client id say so",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func neighbours() async throws {
        let broker = try PrivateBroker()
        let scratch = ScratchDirectory()
        func config(_ name: String, _ text: String) -> String {
            scratch.file(
                name, "ports = [\"/dev/no-such-port-*\"]\n[broker]\nurl = \"\(Bench.address(broker))\"\n\(text)\n")
        }
        let board = try await Board(broker)
        let first = try Program("--config", config("first.toml", ""))
        try await first.errors.first("a connection") { $0.contains("broker connected") }
        let second = try Program("--config", config("second.toml", ""))
        for bridge in [first, second] {
            try await bridge.errors.first("a warning") {
                $0.contains("another vebridge publishes on vebridge/bridge too") && $0.contains("bridge.name")
            }
        }
        // Neither has thrown out the other: their client ids differ.
        #expect(!first.complaint.contains("not connected") && !second.complaint.contains("not connected"))
        second.signal(SIGTERM)
        #expect(try await second.end() == .exit(0))
        // With a name the two have nothing in common.
        let third = try Program("--config", config("third.toml", "[bridge]\nname = \"roof\"\n"))
        try await board.message("\(Self.place)/roof/state", "online")
        third.signal(SIGTERM)
        #expect(try await third.end() == .exit(0))
        #expect(!third.complaint.contains("another vebridge"))
        first.signal(SIGTERM)
        #expect(try await first.end() == .exit(0))

        let fourth = try Program("--config", config("fourth.toml", "client_id = \"one\""))
        try await fourth.errors.first("a connection") { $0.contains("broker connected") }
        let fifth = try Program("--config", config("fifth.toml", "client_id = \"one\"\n[bridge]\nname = \"b\""))
        try await fourth.errors.first("the quarrel", limit: .seconds(40)) {
            $0.contains("another program uses the client id 'one'")
        }
        fifth.signal(SIGTERM)
        #expect(try await fifth.end() == .exit(0))
        fourth.signal(SIGTERM)
        #expect(try await fourth.end() == .exit(0))
    }

    /// How often the threads of a process have slept and were woken.
    private func wakeUps(of process: pid_t) -> Int {
        guard let tasks = opendir("/proc/\(process)/task") else { return 0 }
        defer { closedir(tasks) }
        var count = 0
        while let entry = readdir(tasks) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.first?.isNumber == true else { continue }
            let bytes = Self.read("/proc/\(process)/task/\(name)/status")
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            where line.hasPrefix("voluntary_ctxt_switches:") {
                count += line.split(separator: "\t").last.flatMap { Int($0) } ?? 0
            }
        }
        return count
    }

    private static func read(_ path: String) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(file, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }

    @Test(
        "in the dark a charger is asked seldom and read seldom, and in the light as before",
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
    func night() async throws {
        let broker = try PrivateBroker()
        var plant = SimulatedPlant(site: SimulatedSite(clock: SolarClock(startHour: 1)))
        plant.add(.smartSolar150x60(serial: "HQ2012ABCDE"), seed: 1)
        let host = try ChargerHost(plant)
        try host.start()
        defer { host.stop() }
        let path = try #require(host.paths[0])
        let scratch = ScratchDirectory()
        let config = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(path)"]
            [broker]
            url = "\(Bench.address(broker))"
            [poll]
            night = "5s"
            night_after = "1s"
            [bridge]
            interval = "5s"
            """)
        let board = try await Board(broker)
        let bridge = try Program("--config", config)
        try await bridge.errors.first("darkness", limit: .seconds(30)) { $0.contains("the panels are dark") }
        try await board.messages.first("darkness, told") {
            $0.topic == "\(Self.place)/devices" && $0.payload.contains("\"dark\":true")
        }
        // A wake-up is a wait that ended. Between two looks at `health` five seconds pass by the program's own clock.
        let before = wakeUps(of: bridge.process)
        let news = board.count
        try await board.message("\(Self.place)/health", from: news)
        let start = ContinuousClock.now
        let from = wakeUps(of: bridge.process)
        try await board.message("\(Self.place)/health", from: board.count)
        let passed = Double((ContinuousClock.now - start) / .seconds(1))
        let rate = Double(wakeUps(of: bridge.process) - from) / passed
        // With all the other tests beside it; `make wakeups` holds the program to ten.
        #expect(before > 0 && rate < 20, "\(rate) wake-ups a second")
        // A register is read on demand all the same.
        let client = try await asker(broker)
        _ = client.publish("\(Self.place)/request/read", "HQ2012ABCDE EDD5", qos: 1, retain: false)
        try await board.messages.first("a register on demand, in the dark") {
            $0.topic == "\(Self.place)/response/read" && $0.payload.contains("\"status\":\"ok\"")
        }
        client.stop()
        bridge.signal(SIGTERM)
        #expect(try await bridge.end() == .exit(0))
        #expect(!bridge.complaint.contains("port closed"))
    }
}
