import Bridge
import Foundation
import Simulation
import Testing
import VEDirect

/// Three chargers and a MasterBus through the built program to a broker, as Home Assistant sees it.
@Suite(.timeLimit(.minutes(5)))
struct HomeAssistantSystemTests {
    private struct Report: Decodable {
        var devices: Int
        var entities: Int
        var documents: Int
        var faults: [String]
    }

    private func check(_ broker: PrivateBroker, _ serials: [String]) async throws -> Report {
        let script = Bench.root + "/Tests/SystemTests/homeassistant_check.py"
        let program = try Program(path: "python3", [script, "\(broker.port)"] + serials)
        _ = try await program.end(within: .seconds(30))
        let line = try #require(program.output.elements.last, "\(program.complaint)")
        return try JSONDecoder().decode(Report.self, from: Data(line.utf8))
    }

    private func purge(_ broker: PrivateBroker, _ arguments: String...) async throws -> (Program.Ending, String) {
        let program = try Program(vebridge: ["purge", "--broker", Bench.address(broker)] + arguments)
        let ending = try await program.end(within: .seconds(30))
        return (ending, program.output.elements.joined(separator: "\n") + program.complaint)
    }

    @Test(
        .enabled(if: Bench.hasMosquitto, Bench.noMosquitto), .enabled(if: Bench.hasPython, Bench.noPython))
    func aPlantIsShownRemovedRenamedAndReturns() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let models: [ChargerModel] = [.smartSolar150x60(), .smartSolar75x15(), .blueSolar75x15()]
        let serials = models.map(\.serial)
        let scratch = ScratchDirectory()
        let links = models.indices.map { "\(scratch.path)/tty\($0)" }
        let chargers = try Chargers(models, links: links)
        let bus = try BusHost(SimulatedBus(), plant: chargers.host)
        try bus.start()
        defer { bus.stop() }
        let ports = links.map { "\"\($0)\"" }.joined(separator: ", ")
        let file = scratch.file(
            "vebridge.toml",
            """
            ports = [\(ports)]
            can = ["slcan:\(bus.path)"]
            [broker]
            url = "\(Bench.address(broker))"
            [bridge]
            state_directory = "\(scratch.path)"
            [homeassistant]
            enabled = true
            """)
        let bridge = try Program("--config", file)
        let configs = Set(
            (serials + ["battery", "inverter", "system", "bridge"]).map { "homeassistant/device/vebridge_\($0)/config" }
        )
        try await board.topics(configs, limit: .seconds(60))
        try await board.topics(
            Set(serials.map { "vebridge/charger/\($0)/state" } + ["vebridge/battery/energy_in"]), limit: .seconds(30))

        let report = try await check(broker, serials)
        #expect(report.faults == [])
        #expect(report.devices == 7)
        #expect(report.entities > 50)
        #expect(report.documents == 6)
        sameMeaning(board, chargers, serials)

        // Home Assistant starts.
        var start = board.count
        let visitor = MQTTClient(settings: .init(address: broker.address)) { _ in }
        visitor.subscribe("nothing", qos: 0)
        try visitor.start()
        defer { visitor.stop() }
        while visitor.publish("homeassistant/status", "online", qos: 1, retain: false) != .accepted {
            await Task.yield()
        }
        try await board.topics(configs, from: start, limit: .seconds(20))

        // Nothing is gone: nothing is taken away.
        #expect(try await purge(broker).0 == .exit(3))
        // A charger is taken off the boat.
        start = board.count
        chargers.host.unplug(1)
        try await board.message(
            "vebridge/charger/\(serials[1])/availability", "offline", from: start, limit: .seconds(60))
        try await board.message("vebridge/charger/\(serials[1])/yield_total", "", from: start)
        let shown = try await purge(broker, "--dry-run")
        #expect(shown.0 == .exit(0))
        #expect(shown.1.contains("homeassistant/device/vebridge_\(serials[1])/config"))
        #expect(!shown.1.contains(serials[0]) && !shown.1.contains(serials[2]) && !shown.1.contains("battery"))
        start = board.count
        #expect(try await purge(broker).0 == .exit(0))
        // The sums do without it after a minute.
        try await board.messages.first("a sum", from: start, limit: .seconds(90)) {
            $0.topic == "vebridge/system/consumption" && !$0.payload.isEmpty
        }
        try await board.messages.first("a share", from: start, limit: .seconds(60)) {
            $0.topic == "vebridge/charger/\(serials[0])/share" && !$0.payload.isEmpty
        }
        try await board.messages.first("a share", from: start, limit: .seconds(60)) {
            $0.topic == "vebridge/charger/\(serials[2])/share" && !$0.payload.isEmpty
        }
        try await board.message("homeassistant/device/vebridge_\(serials[1])/config", "", from: start)
        let rest = try await check(broker, [serials[0], serials[2]])
        #expect(rest.devices == 6)
        #expect(rest.faults == [])

        // And comes back on.
        start = board.count
        try chargers.host.replug(1)
        try await board.message(
            "vebridge/charger/\(serials[1])/availability", "online", from: start, limit: .seconds(60))
        try await board.topics(
            ["homeassistant/device/vebridge_\(serials[1])/config"], from: start, limit: .seconds(60))

        start = board.count
        bridge.signal(15)
        try await bridge.end()
        for serial in serials {
            try await board.message("vebridge/charger/\(serial)/availability", "offline", from: start)
        }
        #expect(FileManager.default.fileExists(atPath: scratch.path + "/energy"))
        // The bridge is away: what is gone for good is for a person to say.
        let refused = try await purge(broker)
        #expect(refused.0 == .exit(1))
        #expect(refused.1.contains("--device or --all"))
        #expect(try await purge(broker, "--device", serials[0]).0 == .exit(0))
        #expect(try await purge(broker, "--all").0 == .exit(0))
        #expect(try await purge(broker, "--all", "--dry-run").0 == .exit(3))
    }

    /// What the readable topics say is what the raw ones do.
    private func sameMeaning(_ board: Board, _ chargers: Chargers, _ serials: [String]) {
        var compared = 0
        for serial in serials {
            let base = "vebridge/charger/\(serial)/"
            let raw = "/venetworking/\(serial)/"
            func numbers(_ register: String, _ scale: Double, _ decimals: Int) -> Set<String> {
                Set(
                    board.payloads(raw + register).compactMap(UInt32.init).map {
                        String(format: "%.\(decimals)f", (Double(Int32(bitPattern: $0)) * scale * 1e6).rounded() / 1e6)
                    })
            }
            let powers = board.payloads(base + "panel_power").filter { !$0.isEmpty }
            let rawPowers = board.payloads(raw + "edbc").compactMap(Double.init)
            for power in powers {
                let value = Double(power) ?? -1
                #expect(rawPowers.contains { abs($0 / 100 - value) <= 0.0501 }, "\(power) W of \(serial)")
                compared += 1
            }
            #expect(!powers.isEmpty)
            #expect(Set(board.payloads(base + "system_voltage")).subtracting([""]) == numbers("edef", 1, 0))
            let words = ["0": "off", "3": "bulk", "4": "absorption", "5": "float"]
            let states = Set(board.payloads(raw + "200c").compactMap { words[$0] })
            #expect(Set(board.payloads(base + "charge_state")).subtracting([""]).isSubset(of: states))
        }
        let voltages = board.payloads("/masterbus/0x31297/0x01").compactMap(Double.init)
        for payload in board.payloads("vebridge/battery/voltage") {
            let value = Double(payload) ?? -1
            #expect(voltages.contains { abs($0 - value) <= 0.00501 }, "\(payload) V")
            compared += 1
        }
        #expect(compared > 4)
    }
}
