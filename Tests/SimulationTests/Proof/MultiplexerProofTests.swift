import Simulation
import Testing

@testable import VEDirect

@Suite("The proof of multiplexers")
struct MultiplexerProofTests {
    private static func proof(_ switches: Int, channels: Int = 4, seed: UInt64 = 1, threads: Int = 1)
        -> MultiplexerProof
    {
        var proof = MultiplexerProof(switches: switches, channels: channels, seed: seed, threads: threads)
        proof.switchesPerSession = max(1, switches / 4)
        return proof
    }

    @Test("everything goes wrong: no reading under another charger's name, and every charger is read")
    func troubles() {
        let tally = Self.proof(4000, seed: 3).run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.switches >= 4000)
        #expect(tally.readings > 20_000)
        #expect(tally.unidentified == 0)
        // The troubles were there.
        #expect(tally.residue > 1000)
        #expect(tally.stuckTimes > 0)
        #expect(tally.foreignTurns > 0)
        #expect(tally.brokenTurns > 0)
        // And a reader without fences fell for them.
        #expect(tally.unfenced.wrongValues > 100)
    }

    @Test("many channels, and damaged bytes on top", arguments: [2, 13])
    func channels(_ count: Int) {
        var proof = Self.proof(800, channels: count, seed: 5)
        proof.troubles.noise.bitErrors = 1e-4
        let tally = proof.run()
        #expect(tally.isTrue, "\(tally.examples)")
        #expect(tally.unidentified == 0)
    }

    @Test("without troubles every turn is in order, and nothing is dropped")
    func clean() {
        var proof = Self.proof(800)
        proof.troubles = MultiplexedLine.Troubles()
        let tally = proof.run()
        #expect(tally.isTrue)
        #expect(tally.silentTurns + tally.foreignTurns + tally.brokenTurns == 0)
        #expect(tally.droppedReadings == 0)
        #expect(tally.complaints == 0)
        #expect(tally.goodTurns >= 796)
    }

    @Test("equal seeds give equal numbers, on any number of threads; other seeds give others")
    func repeatable() {
        let one = Self.proof(400, seed: 7).run()
        let two = Self.proof(400, seed: 7, threads: 3).run()
        let other = Self.proof(400, seed: 8).run()
        #expect(one.duration == two.duration)
        #expect(one.readings == two.readings)
        #expect(one.bytes == two.bytes)
        #expect(one.residue == two.residue)
        #expect(one.duration != other.duration)
    }

    @Test("the counting: a session that trusts the select lines is found out")
    func hasty() {
        let proof = Self.proof(400, seed: 3)
        var run = MultiplexerRun(HastyMultiplexer(channels: 4), line: proof.line(ofSession: 0))
        run.run(switches: 400, until: .seconds(4000))
        let tally = run.finalTally
        #expect(tally.readings > 1000)
        #expect(tally.misattributed > 0)
        #expect(!tally.isTrue)
        #expect(!tally.examples.isEmpty)
    }
}

/// Switches by the clock and believes that the select lines say who speaks.
private struct HastyMultiplexer: ProvableMultiplexer {
    private var sessions: [DeviceSession]
    private var selected = 0
    private var turnEnds: Duration = .zero
    private(set) var switches = 0

    init(channels: Int) { sessions = (0..<channels).map { _ in DeviceSession(now: .zero) } }

    var deadline: Duration { min(turnEnds, sessions[selected].deadline) }

    mutating func receive(_ bytes: [UInt8], at now: Duration) { sessions[selected].receive(bytes, at: now) }

    mutating func nextAction(at now: Duration) -> MultiplexerSession.Action? {
        if now >= turnEnds {
            selected = (selected + 1) % sessions.count
            turnEnds = now + .milliseconds(1500)
            switches += 1
            return .select(selected)
        }
        return sessions[selected].nextRequest(at: now).map { .send($0) }
    }

    mutating func takeEvents() -> [MultiplexerSession.Event] {
        sessions[selected].takeEvents().map { .device(channel: selected, $0) }
    }

    func turnCounters(_ channel: Int) -> MultiplexerSession.ChannelCounters { .init() }
}
