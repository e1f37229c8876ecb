import Simulation
import Testing

@testable import VEDirect

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

    @Test("one bit in a thousand wrong: no wrong value, no gap, half the throughput")
    func noisy() {
        let clean = Self.proof(0, readings: 12_000).run()
        let tally = Self.proof(1e-3, readings: 30_000).run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.unidentified == 0)
        #expect(tally.damagedBytes > 1000)
        #expect(tally.longGaps == 0)
        // A little under half, for short sessions begin with identification and all registers at once.
        #expect(tally.readingsPerSecond >= 0.45 * clean.readingsPerSecond)
    }

    /// At 10^-3 a checksum lets one in 40,000 pass, too few to count on in a test; here it is one in 2000.
    @Test("three bits in a thousand wrong: no wrong value, on bytes of which a checksum lets some pass")
    func noisier() {
        let tally = Self.proof(3e-3, readings: 18_000).run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.longGaps == 0)
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

    @Test("the counting: a session that believes every checksum is found out, value by value and serial by serial")
    func gullible() {
        var settings = Self.proof(1e-2, readings: 1).settings(ofSession: 0)
        let careful = DeviceSession(plan: settings.plan, now: .zero)
        var proof = LineProof(settings, session: GullibleSession(careful))
        proof.run(readings: 3000, until: .seconds(3600))
        #expect(proof.tally.wrongValues > 0)
        #expect(!proof.tally.isTrue)
        #expect(!proof.tally.examples.isEmpty)
        // It publishes what a bridge that trusts checksums does, so the count of the one is the count of the other.
        #expect(proof.tally.wrongValues == proof.tally.checksumOnly.wrongValues)

        // Under another name every value is wrong, and so is the name.
        settings.noise = NoiseScript(Noise())
        var impostor = GullibleSession(careful)
        impostor.name = "HQ9999XXXXX"
        var second = LineProof(settings, session: impostor)
        second.run(readings: 100, until: .seconds(60))
        #expect(second.tally.phantoms > 0)
        #expect(second.tally.readings >= 100)
        #expect(second.tally.wrongValues == second.tally.readings)
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

/// A session that asks as the real one does, and publishes whatever has a good checksum.
private struct GullibleSession: ProvableSession {
    /// What it takes the device for; nil for what the real one finds.
    var name: String?
    private var careful: DeviceSession
    private var decoder = StreamDecoder()
    private var events: [DeviceSession.Event] = []

    init(_ careful: DeviceSession) { self.careful = careful }

    private static let serialOfTheFirst = NoiseProof(bitErrorRate: 0, readings: 1, timing: ChargerTiming())
        .settings(ofSession: 0).model.serial

    var identity: DeviceIdentity? { DeviceIdentity(serial: name ?? Self.serialOfTheFirst) }
    var counters: LinkCounters { careful.counters }
    var deadline: Duration { careful.deadline }

    mutating func receive(_ bytes: [UInt8], at now: Duration) {
        careful.receive(bytes, at: now)
        var decoder = self.decoder
        decoder.decode(bytes) { event in
            guard case .hex(let frame) = event, frame.response == .get || frame.response == .async,
                let register = frame.register, frame.flags?.isEmpty == true
            else { return }
            events.append(
                .reading(
                    RegisterReading(
                        register: register, raw: frame.value, value: .bytes(frame.value.bytes), provenance: .asked,
                        confidence: .plausible, time: now)))
        }
        self.decoder = decoder
        if name != nil, !events.isEmpty, let identity { events.append(.identified(identity)) }
    }

    mutating func nextRequest(at now: Duration) -> Request? { careful.nextRequest(at: now) }

    mutating func takeEvents() -> [DeviceSession.Event] {
        _ = careful.takeEvents()
        defer { events.removeAll() }
        return events
    }
}
