import Simulation
import Testing
import VEDirect

@Suite("The proof of multiplexers")
struct MultiplexerProofTests {
    @Test("everything goes wrong: no reading under another charger's name, and every charger is read")
    func troubles() {
        var proof = MultiplexerProof(switches: 3000, channels: 4, seed: 3)
        proof.switchesPerSession = 1000
        let tally = proof.run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.switches >= 3000)
        #expect(tally.readings > 10_000)
        #expect(tally.unidentified == 0)
        #expect(tally.residue > 1000)
        #expect(tally.stuckTimes > 0)
        // The same bytes without fences.
        #expect(tally.unfenced.wrongValues > 10)
        print(tally)
    }
}
