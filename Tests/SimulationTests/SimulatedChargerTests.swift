import Simulation
import Testing
import VEDirect

@Suite("Simulated charger: the line")
struct SimulatedChargerTests {
    @Test("answers a ping")
    func ping() {
        var charger = SimulatedCharger(.smartSolar75x15(), seed: 1)
        charger.receive(Request.ping.bytes, at: .milliseconds(10))
        let bytes = charger.transmit(until: .milliseconds(400))
        #expect(String(decoding: bytes, as: Unicode.ASCII.self).contains(":56441"))
    }
}
