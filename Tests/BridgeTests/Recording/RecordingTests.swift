import Foundation
import Simulation
import Testing

@testable import Bridge

@Suite("A recording of a bad day")
struct RecordingTests {
    @Test("cables pulled and put back, a bus that fails, patterns that find ports: the replay is the same")
    func badDay() async throws {
        let base = NSTemporaryDirectory() + "vebridge-\(UUID().uuidString.prefix(8))"
        let folder = base + "-recording"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var site = SimulatedSite(clock: SolarClock(startHour: 10, dayLength: .seconds(600)))
        site.loads = ["house": 30]
        var plant = SimulatedPlant(site: site)
        plant.add(.smartSolar150x60(serial: "HQ2010SIMA0"), seed: 1)
        plant.add(.blueSolar75x15(serial: "HQ2012SIMC2"), seed: 2)
        let host = try ChargerHost(plant, links: ["\(base)-tty0", "\(base)-tty1"])
        try host.start()
        var bus = SimulatedBus()
        bus.faults = [BusFault(.busOff, from: .seconds(4), for: .seconds(2))]
        let busHost = try BusHost(bus, plant: host)
        try busHost.start()
        defer {
            busHost.stop()
            host.stop()
        }
        var configuration = Configuration()
        configuration.ports = ["\(base)-tty*"]
        configuration.can = ["slcan:\(busHost.path)"]
        configuration.schema.interval = .seconds(2)
        let live = PrintedLines()
        let daemon = RunningDaemon(configuration, recording: folder, lines: live)
        #expect(await eventually { live.all.contains { $0.contains("/HQ2010SIMA0/edbc") } })
        host.unplug(0)
        #expect(await eventually { busHost.time > .seconds(7) })
        try host.replug(0)
        let before = live.all.count
        #expect(
            await eventually { live.all.dropFirst(before).contains { $0.contains("/HQ2010SIMA0/edbc") } })
        #expect(daemon.stop() == .done)
        #expect(live.busValues.contains { $0.topic == "/masterbus/0x31297/0x02" })

        let written = try String(contentsOfFile: folder + "/topics.txt", encoding: .utf8)
        #expect(written == live.all.map { $0 + "\n" }.joined())
        let index = try String(contentsOfFile: folder + "/index.tsv", encoding: .utf8)
        #expect(index.contains("\tport0\tclose\t"))
        // canplayer takes no other number of decimals than candump writes.
        let frames = try String(contentsOfFile: folder + "/bus0.log", encoding: .utf8).split(separator: "\n")
        #expect(frames.count > 20)
        #expect(frames.allSatisfy { $0.wholeMatch(of: /\([0-9]+\.[0-9]{6}\) can0 [0-9A-F]{3,8}#.*/) != nil })
        for speed: Double? in [nil, 1000] {
            let replayed = PrintedLines()
            let outcome = Daemon(
                configuration: configuration, output: .lines { replayed.add($0) }, once: false, log: quietLog,
                mailbox: Mailbox()
            ).replay(folder, speed: speed)
            #expect(outcome == .done)
            #expect(replayed.all == live.all)
        }
    }
}
