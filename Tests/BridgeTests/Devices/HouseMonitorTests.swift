import Foundation
import MasterBus
import Testing

@testable import Bridge
@testable import VEDirect

@Suite struct HouseMonitorTests {
    private let module = DeviceAddress(type: 0x1B, uid: 0x15601)
    private let second = DeviceAddress(type: 0x1B, uid: 0x15602)
    private let cluster = DeviceAddress(type: 0x1B, uid: 0x156EA)

    private func feed(_ plant: inout Plant, _ device: DeviceAddress, current: Float, at time: Duration = .seconds(1)) {
        plant.busDeviceAppeared(device)
        for (attribute, value) in [(UInt16(0), Float(80)), (1, 26.4), (2, current), (3, 40)] {
            plant.read(
                BusValue(
                    time: time, device: device, attribute: attribute, bits: value.bitPattern, format: .number),
                schema: nil)
        }
    }

    private func hasBatteryFigure(_ plant: Plant) -> Bool {
        let picture = plant.picture(at: .seconds(2))
        return picture.batteryVoltage != nil || picture.batteryCurrent != nil || picture.batteryPower != nil
            || picture.stateOfCharge != nil || picture.consumedCharge != nil || picture.consumption != nil
            || plant.timeToGo(at: .seconds(2)) != nil || plant.shunt != nil
    }

    @Test func aSingleMonitorIsTheBattery() {
        var plant = Plant()
        feed(&plant, module, current: -23)
        #expect(plant.picture(at: .seconds(2)).batteryCurrent?.value == -23)
        #expect(plant.monitorChoices.isEmpty)
    }

    @Test func ofSeveralNoneIsTaken() throws {
        var plant = Plant()
        feed(&plant, module, current: -23)
        // Figures stop as soon as a second one is announced, before it has a value.
        plant.busDeviceAppeared(second)
        #expect(!hasBatteryFigure(plant))
        feed(&plant, second, current: -23.2)
        feed(&plant, cluster, current: -46.2)
        // A charger knows the voltage; but no figure of the battery is shown while it is not known what it measures.
        plant.add("HQ2012ABCDE", at: .seconds(1))
        try plant.read(.chargerVoltage, 2640, 2, of: "HQ2012ABCDE", at: .seconds(1))
        try plant.read(.chargerCurrent, 100, 2, of: "HQ2012ABCDE", at: .seconds(1))
        #expect(!hasBatteryFigure(plant))
        #expect(plant.monitorChoices.map(\.address) == [module, second, cluster])
        // One that sleeps comes back: it is still a choice.
        plant.busDeviceSlept(second)
        plant.busDeviceSlept(cluster)
        #expect(!hasBatteryFigure(plant))
    }

    @Test func theConfiguredOneIsTakenAndNoOther() {
        var plant = Plant(preferredShunt: 0x156EA)
        feed(&plant, module, current: -23)
        #expect(!hasBatteryFigure(plant), "the configured one is not there yet")
        feed(&plant, second, current: -23.2)
        feed(&plant, cluster, current: -46.2)
        #expect(plant.picture(at: .seconds(2)).batteryCurrent?.value == Double(Float(-46.2)))
        #expect(plant.monitorChoices.isEmpty)
    }

    @Test func whileDevicesAnnounceThemselvesNoneIsTaken() {
        var plant = Plant()
        plant.isScanningBus = true
        feed(&plant, module, current: -23)
        #expect(!hasBatteryFigure(plant))
        #expect(plant.monitorChoices.isEmpty, "there is nothing to choose yet")
        plant.isScanningBus = false
        #expect(hasBatteryFigure(plant))
    }

    @Test func theLogNamesTheChoicesOnceAndOnceMoreWithNames() {
        var choice = MonitorChoice()
        let names: [[(address: DeviceAddress, name: String?)]] = [
            [], [(module, nil), (second, nil)], [(module, "BAT 1"), (second, nil)],
            [(module, "BAT 1"), (second, "BAT 2")], [(module, "BAT 1"), (second, "BAT 2")],
            [(module, "BAT 1"), (second, "BAT 2"), (cluster, nil)],
        ]
        let warnings = names.map { choice.warning($0) }
        #expect(
            warnings == [
                nil, "0x15601, 0x15602", nil, "0x15601 (BAT 1), 0x15602 (BAT 2)", nil,
                "0x15601 (BAT 1), 0x15602 (BAT 2), 0x156EA",
            ])
    }
}

/// A log of a bus in, topics out.
@Suite(.timeLimit(.minutes(1))) struct HouseMonitorDaemonTests {
    private static func value(_ device: String, _ attribute: Int, _ value: Float) -> String {
        let bits = value.bitPattern.byteSwapped
        let digits = String(bits, radix: 16, uppercase: true)
        return "086D\(device)#0\(attribute)00" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private func log(_ devices: [(id: String, current: Float)]) throws -> String {
        var lines: [String] = []
        for round in 0..<20 {
            for device in devices {
                for (attribute, value) in [(0, Float(80)), (1, 26.4), (2, device.current), (3, 40)] {
                    let time = String(format: "%.6f", 1000 + Double(round) * 0.2)
                    lines.append("(\(time)) can0 " + Self.value(device.id, attribute, value))
                }
            }
        }
        let path = NSTemporaryDirectory() + "vebridge-\(UUID().uuidString).log"
        try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func run(_ devices: [(id: String, current: Float)], shunt: String) async throws -> (PrintedLines, [String])
    {
        let file = try log(devices)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let kept = KeptLog.Lines()
        let daemon = RunningDaemon(log: kept.logger) {
            $0.can = ["replay:\(file)"]
            $0.ports = []
            $0.masterbus.replaySpeed = 1
            $0.masterbus.shunt = shunt
            $0.readable.isPrinted = true
            $0.homeAssistant.enabled = true
        }
        _ = await eventually { kept.all.contains { $0.contains("played to its end") } }
        _ = daemon.stop()
        return (daemon.lines, kept.all)
    }

    @Test func modulesAndTheirClusterGiveNoFigureUntilOneIsNamed() async throws {
        let devices: [(id: String, current: Float)] = [("5601", -23), ("5602", -23.2), ("56EA", -46.2)]
        let (lines, log) = try await run(devices, shunt: "")
        #expect(!lines.all.contains { $0.hasPrefix("vebridge/battery") || $0.hasPrefix("vebridge/system/consumption") })
        #expect(!lines.all.contains { $0.hasPrefix("homeassistant/device/vebridge_battery") })
        #expect(lines.busValues.contains { $0.topic == "/masterbus/0x156EA/0x02" }, "the raw topics are there")
        let warning = try #require(log.last { $0.contains("several battery monitors") })
        for word in ["masterbus.shunt", "0x15601", "0x15602", "0x156EA"] { #expect(warning.contains(word)) }

        let (named, quiet) = try await run(devices, shunt: "0x156EA")
        #expect(named.payloads("vebridge/battery/current") == ["-46.2"])
        #expect(!quiet.contains { $0.contains("several battery monitors") })
    }

    @Test func aSingleOneNeedsNoName() async throws {
        let (lines, log) = try await run([("5601", -23)], shunt: "")
        #expect(lines.payloads("vebridge/battery/current") == ["-23.0"])
        #expect(!log.contains { $0.contains("several battery monitors") })
    }
}
