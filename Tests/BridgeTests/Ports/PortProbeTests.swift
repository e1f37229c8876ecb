import Simulation
import Testing
import VEDirect

@testable import Bridge

@Suite(.timeLimit(.minutes(1)))
struct PortProbeTests {
    private func ask(
        _ path: String, _ registers: [RegisterID] = [], limit: Duration = .seconds(10)
    ) async -> PortProbe.Finding {
        await onOwnThread { PortProbe.ask(path, registers: registers, limit: limit) }
    }

    @Test func findsWhoIsThere() async throws {
        let chargers = try Chargers([.smartSolar150x60(serial: "HQ2012ABCDE")])
        let finding = await ask(try chargers.path())
        #expect(finding.identity?.serial == "HQ2012ABCDE")
        #expect(finding.failure == nil)
    }

    @Test func readsWhatIsAskedAndNamesWhatIsNotThere() async throws {
        let chargers = try Chargers([.blueSolar75x15(firmware: .v150)])
        let finding = await ask(try chargers.path(), [.systemVoltage, .serialNumber, .linkDeviceState])
        #expect(Set(finding.readings.map(\.register)).isSuperset(of: [.systemVoltage, .serialNumber]))
        #expect(finding.refused == [.linkDeviceState])
    }

    @Test func saysWhyAPortCannotBeUsed() async {
        #expect(await ask("/dev/nowhere0").failure == "no such port")
    }

    @Test func aDeafChargerIsHeardThoughItDoesNotAnswer() async throws {
        let chargers = try Chargers()
        chargers.host.deafen(0)
        let finding = await ask(try chargers.path(), limit: .seconds(5))
        #expect(finding.state == .textOnly)
        #expect(finding.identity == nil)
    }

    @Test func nobodyIsThere() async throws {
        let terminal = try PseudoTerminal()
        #expect(await ask(terminal.path, limit: .seconds(5)).state == .silent)
    }
}
