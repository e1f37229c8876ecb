import Foundation
import MasterBus
import Simulation
import Testing

@testable import Bridge

@Suite("A bus behind an adapter")
struct SlcanLinkTests {
    private let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
    private let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)

    private func temporary(_ name: String) -> String {
        NSTemporaryDirectory() + "vebridge-\(UUID().uuidString.prefix(8))-\(name)"
    }

    @Test("an adapter that is unplugged is opened again where it appears, and values go on")
    func unplugged() async throws {
        let link = temporary("bus")
        var host: BusHost? = try BusHost(SimulatedBus(), link: link)
        try host?.start()
        let daemon = RunningDaemon {
            $0.can = ["slcan:\(link)"]; $0.schema.interval = .seconds(1)
        }
        let lines = daemon.lines
        #expect(await eventually { lines.busValues.contains { $0.topic == "/masterbus/0x31297/0x01" } })
        host?.stop()
        host = nil
        let before = lines.busValues.count
        host = try BusHost(SimulatedBus(seed: 2), link: link)
        try host?.start()
        #expect(await eventually { lines.busValues.count > before + 10 })
        #expect(daemon.stop() == .done)
        #expect(host?.adapter.channel == .closed)
        #expect(host?.bus.forbiddenFrames == 0)
        host?.stop()
    }

    @Test("off the bus and back: nothing stops, values go on, and what is sent stays within bounds")
    func busOff() async throws {
        var bus = SimulatedBus()
        bus.faults = [BusFault(.busOff, from: .seconds(3), for: .seconds(3))]
        let host = try BusHost(bus)
        try host.start()
        let daemon = RunningDaemon {
            $0.can = ["slcan:\(host.path)"]; $0.schema.interval = .seconds(1)
        }
        let lines = daemon.lines
        #expect(await eventually { host.time > .seconds(6) })
        let before = lines.busValues.count
        #expect(before > 10)
        #expect(await eventually { lines.busValues.count > before + 10 })
        #expect(daemon.stop() == .done)
        host.stop()
        #expect(host.bus.forbiddenFrames == 0)
        let times = host.bus.hostTimes
        for (index, first) in times.enumerated() {
            #expect(times[index...].prefix { $0 < first + .seconds(1) }.count <= 60)
        }
    }

    @Test("a port and a kernel without CAN do not stop the adapter beside them")
    func besides() async throws {
        let host = try BusHost(SimulatedBus())
        try host.start()
        let daemon = RunningDaemon {
            $0.can = ["nocan9", "slcan:/dev/nowhere", "slcan:\(host.path)"]
            $0.ports = ["/dev/nowhere-either"]
        }
        let lines = daemon.lines
        #expect(await eventually { lines.busValues.contains { $0.topic == "/masterbus/0x2F412/0x10" } })
        #expect(daemon.stop() == .done)
        host.stop()
    }

    @Test("what devices said is kept, read again, and a damaged file is as good as none")
    func store() async throws {
        let state = temporary("state")
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: state) }
        let host = try BusHost(SimulatedBus())
        try host.start()
        defer { host.stop() }
        func run(until isEnough: (PrintedLines) -> Bool) async -> Int {
            let before = host.bus.hostFrames
            let daemon = RunningDaemon {
                $0.can = ["slcan:\(host.path)"]
                $0.bridge.stateDirectory = state
            }
            let lines = daemon.lines
            #expect(await eventually { isEnough(lines) })
            #expect(daemon.stop() == .done)
            return host.bus.hostFrames - before
        }
        let fuse = "/masterbus/0x2F412/0x13/options {\"0\":\"4 A\""
        let store = SchemaStore(stateDirectory: state, log: quietLog)
        // Options of the last attribute are asked for last.
        let first = await run { lines in
            lines.all.contains { $0.hasPrefix(fuse) } && store.load().count == 2
        }
        #expect(store.load().map(\.address) == [combi, shunt])
        let second = await run { lines in lines.all.contains { $0.hasPrefix(fuse) } }
        #expect(second * 2 < first)

        let file = state + "/masterbus/0x0E-0x2F412.schema"
        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: file))
        #expect(store.load().map(\.address) == [shunt])
        _ = await run { lines in lines.all.contains { $0.hasPrefix(fuse) } && store.load().count == 2 }
        // Nothing half written is left behind.
        let left = try FileManager.default.contentsOfDirectory(atPath: state + "/masterbus")
        #expect(left.sorted() == ["0x0E-0x2F412.schema", "0x1B-0x31297.schema"])
    }
}
