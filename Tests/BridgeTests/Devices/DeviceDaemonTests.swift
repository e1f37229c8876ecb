import Foundation
import Logging
import Simulation
import Testing

@testable import Bridge
@testable import VEDirect

/// Ports in, topics out.
@Suite(.timeLimit(.minutes(2))) struct DeviceDaemonTests {
    private let sun = "HQ2012ABCDE"

    private func daemon(
        _ ports: DevicePorts, log: KeptLog.Lines = KeptLog.Lines(),
        _ change: (inout Configuration) -> Void = { _ in }
    ) -> RunningDaemon {
        RunningDaemon(log: log.logger) {
            $0.ports = ports.paths
            $0.readable.isPrinted = true
            $0.readable.pace = 0
            $0.readable.threshold = 0
            $0.readable.stateInterval = .seconds(1)
            $0.homeAssistant.enabled = true
            change(&$0)
        }
    }

    private func waitForMessages(_ count: Int, _ topic: String, _ daemon: RunningDaemon) async {
        let isThere = await eventually { daemon.lines.payloads(topic).count >= count }
        #expect(isThere, "\(topic): \(daemon.lines.payloads(topic))")
    }

    @Test func aMonitorAMainsChargerAndADCDCChargerTakeNothingFromTheSun() async throws {
        let ports = try DevicePorts([
            .orionXS(serial: "HQ1901ORION"), .batteryMonitor(serial: "HQ1901MONIT"), .acCharger(serial: "HQ1901MAINS"),
            .solarCharger(serial: sun, watts: 205),
        ])
        let daemon = daemon(ports)
        await waitForMessages(1, "vebridge/system/solar_power", daemon)
        await waitForMessages(1, "vebridge/charger/\(sun)/share", daemon)
        await waitForMessages(1, "/venetworking/\(sun)/2027", daemon)
        await waitForMessages(1, "vebridge/system/chargers", daemon)
        await waitForMessages(1, "vebridge/charger/HQ1901ORION/charge_current", daemon)
        await waitForMessages(1, "homeassistant/device/vebridge_HQ1901ORION/config", daemon)
        #expect(daemon.stop() == .done)
        let lines = daemon.lines
        #expect(Set(lines.payloads("vebridge/system/solar_power")).subtracting([""]) == ["205"])
        #expect(Set(lines.payloads("vebridge/system/solar_output")).subtracting([""]) == ["205"])
        #expect(Set(lines.payloads("vebridge/charger/\(sun)/share")).subtracting([""]) == ["100.0"])
        #expect(Set(lines.payloads("/venetworking/\(sun)/2027")) == ["20500"])
        #expect(lines.payloads("vebridge/system/chargers").last == "1")
        for other in ["HQ1901ORION", "HQ1901MONIT", "HQ1901MAINS"] {
            #expect(lines.payloads("vebridge/charger/\(other)/share").allSatisfy { $0.isEmpty })
            #expect(lines.payloads("/venetworking/\(other)/2027").isEmpty)
        }
        // Not the panels', and nothing that came from them.
        for quantity in ["panel_power", "panel_voltage", "panel_current", "yield_today", "yield_total", "tracker_mode"]
        {
            #expect(lines.payloads("vebridge/charger/HQ1901ORION/\(quantity)").allSatisfy { $0.isEmpty }, "\(quantity)")
            let announced = lines.payloads("homeassistant/device/vebridge_HQ1901ORION/config")
            #expect(announced.allSatisfy { !$0.contains("_\(quantity)\"") }, "\(quantity)")
        }
        #expect(lines.payloads("/venetworking/HQ1901ORION/edbc").isEmpty)
    }

    @Test func oneSerialNumberOnTwoPortsIsPublishedOnceAndNamed() async throws {
        // In another case, it is the same.
        let ports = try DevicePorts([.solarCharger(serial: sun, watts: 205), nil])
        let log = KeptLog.Lines()
        let daemon = daemon(ports, log: log)
        await waitForMessages(1, "/venetworking/\(sun)/edbc", daemon)
        ports.change { $0[1] = .solarCharger(serial: "hq2012abcde", watts: 435) }
        let isNamed = await eventually { log.all.contains { $0.contains("the same serial number") } }
        #expect(isNamed)
        let warnings = { log.all.filter { $0.contains("the same serial number") } }
        let warning = try #require(warnings().first)
        #expect(warning.contains("port=\(ports.paths[1])") && warning.contains("first=\(ports.paths[0])"))
        #expect(daemon.lines.payloads("/venetworking/\(sun)/edbc").allSatisfy { $0 == "20500" })
        #expect(daemon.lines.payloads("vebridge/charger/\(sun)/panel_power").allSatisfy { $0 == "205.0" })
        #expect(!daemon.lines.all.contains { $0.contains("hq2012abcde") })
        // The first goes away: after the time for which a device may be silent the other takes its place.
        ports.change { $0[0] = nil }
        let end = ContinuousClock.now + .seconds(60)
        while !daemon.lines.payloads("/venetworking/\(sun)/edbc").contains("43500"), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(daemon.lines.payloads("/venetworking/\(sun)/edbc").last == "43500")
        #expect(daemon.stop() == .done)
        #expect(warnings().count == 1)
        #expect(daemon.lines.payloads("/venetworking/\(sun)/edbc").firstIndex(of: "43500") ?? 0 > 0)
    }

    @Test func aPlugThatIsMovedIsFollowedWithoutAWarning() async throws {
        let ports = try DevicePorts([.solarCharger(serial: sun, watts: 205), nil])
        let log = KeptLog.Lines()
        let daemon = daemon(ports, log: log)
        await waitForMessages(1, "/venetworking/\(sun)/edbc", daemon)
        ports.change { $0 = [nil, .solarCharger(serial: "HQ2012ABCDE", watts: 300)] }
        let moved = ContinuousClock.now
        let isFollowed = await eventually { daemon.lines.payloads("/venetworking/\(sun)/edbc").contains("30000") }
        #expect(isFollowed && ContinuousClock.now - moved < .seconds(20))
        #expect(daemon.stop() == .done)
        #expect(!log.all.contains { $0.contains("the same serial number") })
        #expect(log.all.contains { $0.contains("charger found") && $0.contains("port=\(ports.paths[1])") })
    }

    @Test func aSerialNumberThatIsAWordOfTheProgramTakesOverNothing() async throws {
        let words = ["battery", "BRIDGE", "system", "inverter", "charger", "monitor", "masterbus"]
        let ports = try DevicePorts(words.map { .solarCharger(serial: $0, watts: 10) })
        let daemon = daemon(ports)
        for word in words {
            await waitForMessages(1, "homeassistant/device/vebridge_charger_\(word)/config", daemon)
            await waitForMessages(1, "vebridge/charger/\(word)/panel_power", daemon)
        }
        #expect(daemon.stop() == .done)
        // Of the plant's own devices there is each once, with nothing of a charger in it.
        for id in ["battery", "bridge", "system", "inverter", "charger", "monitor", "masterbus", "BRIDGE"] {
            for payload in daemon.lines.payloads("homeassistant/device/vebridge_\(id)/config") {
                #expect(!payload.contains("vebridge/charger/"), "\(id)")
            }
        }
        #expect(!daemon.lines.payloads("homeassistant/device/vebridge_system/config").isEmpty)
        #expect(!daemon.lines.payloads("homeassistant/device/vebridge_bridge/config").isEmpty)
    }
}

@Suite struct DeviceIDTests {
    @Test func wordsOfTheProgramHaveTheKindBeforeThem() {
        let cases = [
            ("HQ2012ABCDE", "vebridge_HQ2012ABCDE"), ("battery", "vebridge_charger_battery"),
            ("System", "vebridge_charger_System"), ("INVERTER", "vebridge_charger_INVERTER"),
            ("masterbus", "vebridge_charger_masterbus"), ("battery1", "vebridge_battery1"),
        ]
        for (serial, id) in cases { #expect(HomeAssistantAnnouncer.id(.charger(serial), "boat") == id) }
        let owners = Quantity.Owner.allCases.filter { $0 != .charger }
        let own = owners.map { HomeAssistantAnnouncer.id(.single($0), "vebridge") }
        for owner in Quantity.Owner.allCases {
            #expect(!own.contains(HomeAssistantAnnouncer.id(.charger(owner.rawValue), "vebridge")))
        }
    }
}
