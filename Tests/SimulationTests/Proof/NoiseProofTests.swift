import Simulation
import Testing
import VEDirect

@Suite("The proof of the guard")
struct NoiseProofTests {
    private static func proof(_ rate: Double, readings: Int, seed: UInt64 = 1, threads: Int = 1) -> NoiseProof {
        var proof = NoiseProof(
            bitErrorRate: rate, readings: readings, seed: seed, threads: threads, timing: NoiseProof.swiftTiming)
        // Every kind of charger takes its turn.
        proof.readingsPerSession = max(1, readings / 6)
        return proof
    }

    @Test("a clean line: nothing wrong, at most 2 % of requests to confirm, nothing that a checksum would miss")
    func clean() {
        let tally = Self.proof(0, readings: 12_000).run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.sessions == 6)
        #expect(tally.unidentified == 0)
        #expect(tally.readings >= 12_000)
        #expect(tally.damagedBytes == 0)
        #expect(tally.confirmations * 50 <= tally.requests)
        #expect(tally.checksumOnly.wrongValues == 0)
        #expect(tally.checksumOnly.readings >= tally.readings - 6 * 3)
        #expect(tally.longGaps == 0)
    }

    @Test("one bit in a thousand wrong: no wrong value, half the throughput, where a checksum lets some pass")
    func noisy() {
        let clean = Self.proof(0, readings: 12_000).run()
        let tally = Self.proof(1e-3, readings: 48_000).run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.unidentified == 0)
        #expect(tally.damagedBytes > 1000)
        #expect(tally.longGaps == 0)
        // A little under half, for short sessions begin with identification and all registers at once.
        #expect(tally.readingsPerSecond >= 0.45 * clean.readingsPerSecond)
        // The same bytes: what makes this test able to fail.
        #expect(tally.checksumOnly.wrongValues > 0)
        #expect(tally.checksumAndLength.wrongValues > 0)
        #expect(tally.checksumAndLength.wrongValues <= tally.checksumOnly.wrongValues)
    }

    @Test("one bit in a hundred wrong: no wrong value, and no fast register waits for ten seconds")
    func veryNoisy() {
        let tally = Self.proof(1e-2, readings: 6000).run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.unidentified == 0)
        #expect(tally.longGaps == 0, "\(tally.longestGap)")
        #expect(tally.checksumOnly.wrongValues > 10)
    }

    @Test("equal seeds give equal numbers, on any number of threads; other seeds give others")
    func repeatable() {
        let one = Self.proof(3e-3, readings: 6000, seed: 7).run()
        let two = Self.proof(3e-3, readings: 6000, seed: 7, threads: 3).run()
        let other = Self.proof(3e-3, readings: 6000, seed: 8).run()
        #expect(one.duration == two.duration)
        #expect(one.readings == two.readings)
        #expect(one.damagedBytes == two.damagedBytes)
        #expect(one.latency.quantile(0.99) == two.latency.quantile(0.99))
        #expect(one.duration != other.duration)
    }

    @Test("the counting: a value that was never held is wrong, one that was held within five seconds is not")
    func truth() throws {
        var charger = SimulatedCharger(.smartSolar75x15(), seed: 3)
        let register = RegisterID.panelPower
        _ = charger.transmit(until: .seconds(1))
        let early = try #require(charger.currentValue(register))
        _ = charger.transmit(until: .seconds(3))
        let late = try #require(charger.currentValue(register))
        #expect(early != late)
        #expect(charger.held(register, RawValue(late), since: .seconds(3)))
        #expect(charger.held(register, RawValue(early), since: .seconds(1)))
        #expect(!charger.held(register, RawValue(early), since: .seconds(2.9)))
        var flipped = late
        flipped[0] ^= 1
        let isHeld = charger.heldValues(register, since: .zero).contains(flipped)
        #expect(charger.held(register, RawValue(flipped), since: .zero) == isHeld)
        #expect(!charger.held(register, RawValue(late.dropLast()), since: .zero))
        #expect(!charger.held(.serialNumber, RawValue(late), since: .zero))
        #expect(!charger.held(RegisterID(0xFFFE), RawValue(late), since: .zero))
    }

    @Test("the counting: tallies add up")
    func sums() {
        var sum = ProofTally()
        var one = ProofTally()
        one.readings = 10
        one.duration = .seconds(2)
        one.longestGap = .seconds(3)
        one.longestGapRegister = .panelPower
        sum.add(one)
        #expect(sum.isTrue)
        #expect(sum.readingsPerSecond == 5)
        one.wrongValues = 1
        one.checksumOnly.wrongValues = 4
        one.longestGap = .seconds(2)
        one.longestGapRegister = .panelVoltage
        sum.add(one)
        #expect(!sum.isTrue)
        #expect(sum.readings == 20)
        #expect(sum.checksumOnly.wrongValues == 4)
        #expect(sum.longestGap == .seconds(3))
        #expect(sum.longestGapRegister == .panelPower)
        var phantom = ProofTally()
        phantom.phantoms = 1
        #expect(!phantom.isTrue)
    }
}
