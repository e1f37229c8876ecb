import Simulation
import Testing
import VEDirect

@testable import Bridge

@Suite(.timeLimit(.minutes(1)))
struct PortProbeTests {
    @Test func findsWhoIsThere() throws {
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let finding = PortProbe.ask(try chargers.path())
        #expect(finding.identity?.serial == "HQ2012ABCDE")
        #expect(finding.failure == nil)
    }

    @Test func readsWhatIsAskedAndNamesWhatIsNotThere() throws {
        let chargers = try Chargers([.blueSolar75x15(firmware: .v150)])
        let finding = PortProbe.ask(
            try chargers.path(), registers: [.systemVoltage, .serialNumber, .linkDeviceState], limit: .seconds(10))
        #expect(Set(finding.readings.map(\.register)).isSuperset(of: [.systemVoltage, .serialNumber]))
        #expect(finding.refused == [.linkDeviceState])
    }

    @Test func saysWhyAPortCannotBeUsed() {
        #expect(PortProbe.ask("/dev/nowhere0").failure == "no such port")
    }

    @Test func aDeafChargerAndAnEmptyPort() throws {
        let chargers = try Chargers()
        chargers.host.deafen(0)
        #expect(PortProbe.ask(try chargers.path()).state == .textOnly)
        let terminal = try PseudoTerminal()
        #expect(PortProbe.ask(terminal.path).state == .silent)
    }
}
