import Bridge
import Foundation
import History
import Simulation
import Testing
import VEDirect

/// The history as the running program keeps it: what the chargers remember, what a disk does to it, and what comes out.
@Suite(
    "The history of the running program", .timeLimit(.minutes(8)), .enabled(if: Bench.hasMosquitto, Bench.noMosquitto))
struct HistorySystemTests {
    /// Far from every machine that this is tested on, so that the zone counts.
    private static let zone = "Pacific/Auckland"

    private func host(historyDays: Int) throws -> ChargerHost {
        var plant = SimulatedPlant(site: SimulatedSite(clock: SolarClock(startHour: 11)))
        plant.add(.smartSolar150x60(serial: "HQ2012ABCDE"), historyDays: historyDays, seed: 1)
        plant.add(.blueSolar75x15(serial: "HQ2013FGHIJ"), historyDays: historyDays, seed: 2)
        let host = try ChargerHost(plant, links: [])
        try host.start()
        return host
    }

    private func run(_ arguments: [String], limit: Duration = .seconds(30)) async throws -> (
        ending: Program.Ending, output: [String], complaint: String
    ) {
        let program = try Program(vebridge: arguments)
        let ending = try await program.end(within: limit)
        return (ending, program.output.elements, program.complaint)
    }

    private func devices(_ lines: [String]) throws -> [String: [String: Any]] {
        let text = try #require(lines.first)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        return try #require(object["devices"] as? [String: [String: Any]])
    }

    @Test(
        "days that only the chargers saw are told as such, and what goes out comes in again the same",
        .enabled(if: Bench.hasPython, Bench.noPython))
    func ownDays() async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let host = try host(historyDays: 30)
        defer { host.stop() }
        let bus = try BusHost(SimulatedBus(), plant: host)
        try bus.start()
        defer { bus.stop() }
        let scratch = ScratchDirectory()
        let ports = host.paths.compactMap(\.self).map { "\"\($0)\"" }.joined(separator: ", ")
        let file = scratch.file(
            "vebridge.toml",
            """
            ports = [\(ports)]
            can = ["slcan:\(bus.path)"]
            [broker]
            url = "\(Bench.address(broker))"
            [bridge]
            state_directory = "\(scratch.path)"
            interval = "5s"
            [history]
            interval = "1s"
            zone = "\(Self.zone)"
            [homeassistant]
            enabled = true
            """)
        let bridge = try Program("--config", file)
        let zone = try #require(TimeZoneRules(named: Self.zone))
        let today = zone.date(at: Date().timeIntervalSince1970)
        let age = 5
        let stats = "vebridge/stats/charger/HQ2012ABCDE"
        try await board.messages.first("figures", limit: .seconds(150)) {
            $0.topic == stats + "/yield_today" && !$0.payload.isEmpty
        }
        try await board.messages.first("the battery's figures", limit: .seconds(150)) {
            $0.topic == "vebridge/stats/battery/0x31297/voltage_minimum" && !$0.payload.isEmpty
        }
        // The charger's records are read one after the other; a day is written with the minute in which they came.
        let day = "\(today - age)"
        var answer = try await run(["stats", "--day", day, "--json", "--state", scratch.path])
        while answer.ending != .exit(0) {
            #expect(answer.ending == .exit(3), "\(answer.complaint)")
            try await board.message("vebridge/bridge/health", from: board.count, limit: .seconds(60))
            answer = try await run(["stats", "--day", day, "--json", "--state", scratch.path])
        }
        for (index, serial) in ["HQ2012ABCDE", "HQ2013FGHIJ"].enumerated() {
            let bytes = try #require(host.plant.chargers[index].currentValue(.historyDay(age)))
            let record = try #require(HistoryDay(RawValue(bytes)))
            let figures = try #require(try devices(answer.output)[serial])
            #expect(figures["yield_source"] as? String == "charger record")
            #expect(abs((figures["yield"] as? Double ?? -1) - record.yield) < 0.0001)
            #expect(figures["production_start"] == nil)
        }
        let now = try await run(["stats", "--json", "--config", file])
        let measured = try #require(try devices(now.output)["HQ2012ABCDE"])
        #expect(measured["yield_source"] as? String == "measured")
        // It produced already when it was seen first.
        #expect(measured["production_start"] == nil)
        #expect(measured["first_seen"] is String)
        #expect(
            (measured["first_seen"] as? String)?.hasSuffix(zone.text(of: Date().timeIntervalSince1970).suffix(6))
                == true)
        let other = try await run(["stats", "--json", "--state", scratch.path, "--day", "\(today)", "--zone", "UTC"])
        if other.ending == .exit(0) {
            let seen = try devices(other.output)["HQ2012ABCDE"]?["first_seen"] as? String
            #expect(seen?.hasSuffix("+00:00") ?? true)
        }
        #expect(try await run(["stats", "--zone", "Boat/Cabin", "--state", scratch.path]).ending == .exit(2))

        // Home Assistant sees them.
        for (id, key) in [
            ("HQ2012ABCDE", "stats_yield_today"), ("battery", "stats_charge_in"), ("system", "stats_solar"),
        ]
        where key != "stats_solar" {
            try await board.messages.first("\(key) announced", limit: .seconds(60)) {
                $0.topic == "homeassistant/device/vebridge_\(id)/config" && $0.payload.contains("\"\(key)\"")
            }
        }
        let check = try Program(
            path: "python3",
            [Bench.root + "/Tests/SystemTests/homeassistant_check.py", "\(broker.port)", "HQ2012ABCDE", "HQ2013FGHIJ"])
        #expect(try await check.end(within: .seconds(30)) == .exit(0), "\(check.output.elements)")

        bridge.signal(15)
        #expect(try await bridge.end() == .exit(0))
        #expect(!bridge.complaint.contains("history is not written"), "\(bridge.complaint)")

        // Out and in again.
        let first = "\(today - 29)"
        let before = try await run(["stats", "--since", first, "--json", "--state", scratch.path])
        let whole = try await run(["history", "export", "--csv", "--state", scratch.path])
        #expect(whole.output.count > 500)
        for format in ["--csv", "--json", "--line-protocol"] {
            let out = try await run(["history", "export", format, "--state", scratch.path])
            #expect(out.ending == .exit(0))
            let copy = ScratchDirectory()
            let path = copy.file("out", out.output.joined(separator: "\n") + "\n")
            let read = try await run(["history", "import", path, "--state", copy.path, "--zone", Self.zone])
            #expect(read.ending == .exit(0), "\(read.complaint)")
            let after = try await run(["stats", "--since", first, "--json", "--state", copy.path, "--zone", Self.zone])
            #expect(after.output == before.output, "\(format)")
            let again = try await run(["history", "export", "--csv", "--state", copy.path, "--zone", Self.zone])
            #expect(again.output.sorted() == whole.output.sorted(), "\(format)")
        }
    }

    // MARK: Damage

    /// A history of some hours, made by the program itself.
    private func makeHistory(in directory: ScratchDirectory, at place: String) async throws -> String {
        var lines = ["kind,time,device,name,unit,value"]
        for minute in 0..<240 {
            for second in stride(from: 0, to: 60, by: 10) {
                let time = String(format: "2026-06-01T%02d:%02d:%02dZ", 8 + minute / 60, minute % 60, second)
                for (name, unit) in [("panel_power", "W"), ("charger_voltage", "V"), ("system_yield", "kWh")] {
                    lines.append("sample,\(time),HQ1,\(name),\(unit),\((minute * 7919 + second * 104_729) % 9973)")
                }
            }
        }
        let file = directory.file("past.csv", lines.joined(separator: "\n") + "\n")
        let answer = try await run(["history", "import", file, "--state", place])
        #expect(answer.ending == .exit(0), "\(answer.complaint)")
        return place.hasSuffix(".sqlite") ? place : place + "/" + HistoryStore.fileName
    }

    private func configuration(
        _ directory: ScratchDirectory, _ charger: Chargers, _ broker: PrivateBroker, _ path: String
    )
        -> String
    {
        directory.file(
            "vebridge.toml",
            """
            ports = ["\(charger.paths[0])"]
            [broker]
            url = "\(Bench.address(broker))"
            [history]
            path = "\(path)"
            interval = "1s"
            """)
    }

    @Test("a damaged file is set aside by name, and everything else goes on", arguments: ["cut", "bits", "foreign"])
    func damaged(_ kind: String) async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let scratch = ScratchDirectory()
        let path = try await makeHistory(in: scratch, at: scratch.path)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes.count > 60_000)
        switch kind {
        case "cut": bytes.removeLast(bytes.count / 2)
        case "bits": for page in stride(from: 4096, to: bytes.count, by: 4096) { bytes[page] ^= 0x10 }
        default: bytes = Array("This is somebody's diary, and no database.\n".utf8)
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let bridge = try Program("--config", configuration(scratch, charger, broker, path))
        let said = try await bridge.errors.first("the damage is told") { $0.contains("set aside as") }
        #expect(said.element.contains("\(path).damaged-"))
        try await board.message("/venetworking/HQ2012ABCDE/edbc")
        let news = board.count
        try await board.message("/venetworking/HQ2012ABCDE/edbc", from: news)
        bridge.signal(15)
        #expect(try await bridge.end() == .exit(0))
        #expect(bridge.errors.elements.count { $0.contains("set aside") } == 1)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        let aside = try #require(names.first { $0.hasPrefix("history.sqlite.damaged-") })
        // It is as it was, for whoever can still read it.
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/\(aside)"))) == bytes)
        // What the daemon saw is in the new one.
        let size = try await run(["history", "size", "--json", "--state", path])
        #expect(size.ending == .exit(0))
        #expect(size.output.first?.contains("\"samples\":") == true)
        #expect(try HistoryStore.read(at: path).newest() != nil)
    }

    /// A disk of a few hundred kilobytes that goes with the object.
    private final class SmallDisk: Sendable {
        let path: String

        init(kilobytes: Int) async throws {
            var template = Array("/tmp/vebridge-disk-XXXXXX".utf8CString)
            path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/vebridge-disk"
            guard try await Self.mount(["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path]) else {
                throw Program.Failure(description: "no small disk can be mounted")
            }
        }

        static func mount(_ arguments: [String]) async throws -> Bool {
            try await Program(path: "mount", arguments).end() == .exit(0)
        }

        deinit {
            umount2(path, Int32(MNT_DETACH))
            rmdir(path)
        }
    }

    @Test(
        "a full disk and one that may not be written are told once, and nothing else suffers",
        .enabled(if: geteuid() == 0, "only root may mount a small disk"), arguments: ["full", "read-only"])
    func noRoom(_ kind: String) async throws {
        let broker = try PrivateBroker()
        let board = try await Board(broker)
        let charger = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let scratch = ScratchDirectory()
        let disk = try await SmallDisk(kilobytes: 2000)
        let path = try await makeHistory(in: scratch, at: disk.path)
        let filler = disk.path + "/filler"
        if kind == "full" {
            let descriptor = open(filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            let page = [UInt8](repeating: 1, count: 4096)
            while write(descriptor, page, page.count) > 0 {}
            close(descriptor)
        } else {
            #expect(try await SmallDisk.mount(["-o", "remount,ro", disk.path]))
        }
        let bridge = try Program("--config", configuration(scratch, charger, broker, path))
        let said = try await bridge.errors.first("the trouble is told", limit: .seconds(90)) {
            $0.contains("history is not written")
        }
        #expect(said.element.contains(path))
        let news = board.count
        try await board.message("/venetworking/HQ2012ABCDE/edbc", from: news)
        try await board.messages.first("health tells it", limit: .seconds(60)) {
            $0.topic == "vebridge/bridge/health" && $0.payload.contains("\"trouble\":\"cannot write")
        }
        if kind == "full" {
            unlink(filler)
        } else {
            #expect(try await SmallDisk.mount(["-o", "remount,rw", disk.path]))
        }
        // Tried once a minute.
        try await bridge.errors.first("written again", limit: .seconds(150)) { $0.contains("history is written again") }
        bridge.signal(15)
        #expect(try await bridge.end() == .exit(0))
        #expect(bridge.errors.elements.count { $0.contains("history is not written") } == 1, "\(bridge.complaint)")
        #expect(!bridge.complaint.contains("set aside"), "\(bridge.complaint)")
        // What waited is there, beside what was there before.
        let store = try HistoryStore.read(at: path)
        #expect(try store.days()?.lowerBound == CivilDate(year: 2026, month: 6, day: 1))
        #expect(Double(try store.newest() ?? 0) * 60 > Date().timeIntervalSince1970 - 130)
    }
}
