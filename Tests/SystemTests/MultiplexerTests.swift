import Bridge
import Glibc
import Simulation
import Synchronization
import Testing
import VEDirect

/// The whole program with four chargers behind one port, and a file for select lines.
@Suite(.timeLimit(.minutes(2)), .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct MultiplexerTests {
    private func power(_ serial: String) -> String { "/venetworking/\(serial)/edbc" }

    @Test func everyChargerIsReadUnderItsOwnName() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let scratch = ScratchDirectory()
        let chargers = try MultiplexedChargers(4, in: scratch)
        let serials = chargers.serials
        let configuration = scratch.file(
            "vebridge.toml",
            """
            ports = ["\(scratch.path)/aft*"]
            [[multiplexer]]
            name = "aft"
            port = "\(scratch.path)/aft"
            select = "file:\(chargers.host.selectFile)"
            channels = ["one", "two", "three", "four"]
            turn_max = "1500ms"
            """)
        // The pattern matches the multiplexer's port too, which stays the multiplexer's.
        let bridge = try Program("--broker", Bench.address(broker), "--config", configuration)
        try await board.topics(Set(serials.map(power)), limit: .seconds(40))
        for (serial, channel) in zip(serials, ["one", "two", "three", "four"]) {
            try await bridge.errors.first("\(serial) on \(channel)") {
                $0.contains("charger found") && $0.contains(serial) && $0.contains("port=aft/\(channel) ")
            }
        }

        // A register of each is read on demand, when its channel has its turn.
        for serial in serials {
            board.publish("vebridge/bridge/request/read", "\(serial) EDF7")
            try await board.messages.first("EDF7 of \(serial)", limit: .seconds(30)) {
                $0.topic == "vebridge/bridge/response/read" && $0.payload.contains("\"status\":\"ok\"")
                    && $0.payload.contains(serial) && $0.payload.contains("\"register\":\"EDF7\"")
            }
        }

        // One is unplugged, two change places.
        chargers.host.plug(nil, at: 2)
        chargers.host.plug(3, at: 0)
        chargers.host.plug(0, at: 3)
        try await bridge.errors.first("the loss is told", limit: .seconds(40)) {
            $0.contains("no answer") && $0.contains("aft/three")
        }
        for (serial, channel) in [(serials[3], "one"), (serials[0], "four")] {
            try await bridge.errors.first("\(serial) moved to \(channel)", limit: .seconds(60)) {
                $0.contains("charger found") && $0.contains(serial) && $0.contains("port=aft/\(channel) ")
            }
        }
        // The port's cable is pulled and comes back.
        chargers.host.unplug()
        try await bridge.errors.first("the hang-up is told") { $0.contains("multiplexer closed") }
        let news = board.count
        try chargers.host.replug()
        for serial in [serials[0], serials[1], serials[3]] {
            try await board.message(power(serial), from: news, limit: .seconds(30))
        }
        for (index, serial) in serials.enumerated() {
            let payloads = board.payloads(power(serial))
            #expect(!payloads.isEmpty)
            #expect(chargers.foreign(index, payloads) == [], "\(serial)")
        }
        let ids = Set(
            board.messages.elements.filter { $0.topic.hasPrefix("/venetworking/") }
                .map { $0.topic.split(separator: "/")[1] })
        #expect(ids == Set(serials.map { Substring($0) }))
        #expect(!bridge.complaint.contains("stuck"))
    }

    @Test func aStuckSelectLineIsTold() async throws {
        let scratch = ScratchDirectory()
        let chargers = try MultiplexedChargers(2, in: scratch)
        chargers.host.stick(mask: 1, value: 0)
        let configuration = scratch.file(
            "vebridge.toml",
            """
            [[multiplexer]]
            name = "aft"
            port = "\(scratch.path)/aft"
            select = "file:\(chargers.host.selectFile)"
            channels = 2
            turn_max = "1s"
            """)
        let bridge = try Program("--dry-run", "--config", configuration)
        // Whichever channel was heard first has the charger; on a busy machine that is not always the first.
        try await bridge.errors.first("it is told", limit: .seconds(40)) {
            $0.contains("select line 0 of multiplexer 'aft' seems stuck: channel ")
                && $0.contains("answers as \(chargers.serials[0]), which is on channel ")
        }
        bridge.signal(SIGTERM)
        try await bridge.end()
        #expect(bridge.output.elements.contains { $0.hasPrefix("/venetworking/\(chargers.serials[0])/") })
        #expect(!bridge.output.elements.contains { $0.contains(chargers.serials[1]) })
    }

    @Test func onceAndPortsGoRoundTheChannels() async throws {
        let scratch = ScratchDirectory()
        let simulation = try Program("simulate", "--multiplexer", "2", "--link", scratch.path + "/sim")
        try await simulation.output.first("the configuration") { $0.contains("channel 1") }
        let configuration = scratch.file("vebridge.toml", simulation.output.elements.joined(separator: "\n"))
        let serials = simulation.output.elements.filter { $0.hasPrefix("# channel") }
            .compactMap { $0.split(separator: " ").last.map(String.init) }
        let once = try Program("--once", "--dry-run", "--config", configuration)
        #expect(try await once.end(within: .seconds(60)) == .exit(0), "\(once.complaint)")
        for serial in serials { #expect(once.output.elements.contains { $0.hasPrefix(power(serial)) }) }
        let all = try Program("ports", "--json", "--config", configuration)
        #expect(try await all.end(within: .seconds(60)) == .exit(0))
        let text = all.output.elements.joined()
        for (index, serial) in serials.enumerated() {
            #expect(text.contains("\"path\":\"simulated/\(index)\""), "\(text)")
            #expect(text.contains("\"serial\":\"\(serial)\""), "\(text)")
        }
        simulation.signal(SIGINT)
        try await simulation.end()
        #expect(access(scratch.path + "/sim.select", F_OK) != 0)
    }
}

/// Chargers behind a simulated multiplexer in this process, until the object goes.
private final class MultiplexedChargers: Sendable {
    let host: MultiplexerHost
    let serials: [String]
    private let held: Held
    private let recorder: EverySecond

    /// Every panel power that each charger ever held; the chargers remember only some seconds.
    private final class Held: Sendable {
        let values: Mutex<[Set<String>]>

        init(_ count: Int) { values = Mutex([Set<String>](repeating: [], count: count)) }

        func note(_ plant: SimulatedPlant) {
            values.withLock { held in
                for index in held.indices {
                    for bytes in plant.chargers[index].heldValues(.panelPower, since: .zero) {
                        if let number = RawValue(bytes).unsigned { held[index].insert(String(number)) }
                    }
                }
            }
        }
    }

    init(_ count: Int, in scratch: ScratchDirectory) throws {
        var plant = SimulatedPlant(site: SimulatedSite(clock: SolarClock(startHour: 11)))
        let models: [ChargerModel] = [
            .smartSolar150x60(serial: "HQ2012ABCDE"), .smartSolar75x15(serial: "HQ2017FGHIJ", firmware: .v316),
            .blueSolar75x15(serial: "HQ1611KLMNO"), .smartSolar150x60(serial: "HQ2230PQRST"),
        ]
        for index in 0..<count { plant.add(models[index], seed: UInt64(index + 1)) }
        serials = plant.chargers.map(\.serial)
        held = Held(count)
        host = try MultiplexerHost(plant, selectFile: scratch.path + "/select", link: scratch.path + "/aft")
        try host.start()
        recorder = try EverySecond { [host, held] in held.note(host.plant) }
    }

    deinit { host.stop() }

    /// The payloads that the charger never held as its panel power.
    func foreign(_ index: Int, _ payloads: [String]) -> [String] {
        held.note(host.plant)
        return held.values.withLock { held in payloads.filter { !held[index].contains($0) } }
    }
}
