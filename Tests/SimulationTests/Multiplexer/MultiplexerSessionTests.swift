import Simulation
import Testing
import VEDirect

@Suite("A line that is shared")
struct MultiplexerSessionTests {
    private typealias Run = MultiplexerRun<MultiplexerSession>

    private static let count = 4

    /// Four chargers that answer as those in the field do, and no trouble.
    private static func run(_ settings: MultiplexerSession.Settings = .init(), seed: UInt64 = 1) -> Run {
        var proof = MultiplexerProof(switches: 1, channels: count, seed: seed, troubles: .init())
        proof.timing = ChargerTiming()
        return Run(
            MultiplexerSession(channels: count, settings: settings, now: .zero), line: proof.line(ofSession: 0))
    }

    private static func isComplete(_ run: Run) -> Bool { !run.serials.contains(nil) }

    private static func serials(_ run: Run) -> [String?] { run.line.chargers.map(\.serial) }

    @Test("every channel is read under its charger's name, and as often as the others")
    func fair() {
        var run = Self.run()
        run.run(until: .seconds(120))
        #expect(run.serials == Self.serials(run))
        #expect(run.states == [DeviceSession.State?](repeating: .polling, count: Self.count))
        let (least, most) = (run.readings.min() ?? 0, run.readings.max() ?? 0)
        #expect(least > 200)
        #expect(most < least * 2)
        #expect(run.finalTally.isTrue)
    }

    @Test("a channel without a charger costs the others little, and is still looked at")
    func dead() {
        // When everything was read once, the rounds alone count.
        func readings(_ isDead: Bool) -> (Int, MultiplexerSession.ChannelCounters) {
            var run = Self.run()
            if isDead { run.line.plug(nil, at: 1) }
            run.run(until: .seconds(100))
            let before = run.readings
            run.run(until: .seconds(200))
            let gained = [0, 2, 3].map { run.readings[$0] - before[$0] }
            return (gained.reduce(0, +), run.multiplexer.turnCounters(1))
        }
        let all = readings(false).0
        let (others, dead) = readings(true)
        #expect(others >= all)
        #expect(dead.goodTurns == 0)
        #expect((15...45).contains(dead.silentTurns), "\(dead.silentTurns)")
    }

    @Test("a charger that is unplugged is told silent, and is read again when it is back")
    func unplugged() {
        var run = Self.run()
        run.run(until: .seconds(60)) { !Self.isComplete($0) }
        run.line.plug(nil, at: 2)
        let pulled = run.now
        run.run(until: pulled + .seconds(30)) { $0.states[2] != .silent }
        #expect(run.states[2] == .silent)
        #expect(run.multiplexer.identity(2) == nil)
        run.run(until: run.now + .seconds(30))
        run.line.plug(2, at: 2)
        let (back, before) = (run.now, run.readings[2])
        run.run(until: back + .seconds(60)) { $0.readings[2] == before }
        #expect(run.readings[2] > before)
        #expect(run.now - back < .seconds(16))
        #expect(run.states[2] == .polling)
        #expect(run.finalTally.isTrue)
        #expect(run.complaints.isEmpty)
    }

    @Test("plugs that change places: the chargers keep their names, and no line is said to be stuck")
    func swapped() {
        var run = Self.run()
        run.run(until: .seconds(60)) { !Self.isComplete($0) }
        let serials = Self.serials(run)
        run.line.plug(3, at: 0)
        run.line.plug(0, at: 3)
        let wanted = [serials[3], serials[1], serials[2], serials[0]]
        let moved = run.now
        run.run(until: moved + .seconds(90)) { $0.serials != wanted }
        #expect(run.serials == wanted)
        #expect(run.now - moved < .seconds(45))
        let before = run.readings
        run.run(until: run.now + .seconds(30))
        for index in 0..<Self.count { #expect(run.readings[index] > before[index]) }
        #expect(run.finalTally.isTrue, "\(run.tally.examples)")
        #expect(run.complaints.isEmpty)
    }

    @Test("another charger on a channel takes the place of the one that is gone")
    func replaced() {
        var run = Self.run()
        run.line.plug(nil, at: 3)
        run.run(until: .seconds(40))
        #expect(run.serials[3] == nil)
        // The one that was meant for channel 3 comes to channel 0, whose own is not plugged in any more.
        run.line.plug(3, at: 0)
        run.run(until: run.now + .seconds(60)) { $0.serials[0] != Self.serials($0)[3] }
        #expect(run.serials[0] == Self.serials(run)[3])
        #expect(run.finalTally.isTrue)
    }

    @Test("a stuck select line is told once for each channel, nothing of it is published, and it heals")
    func stuck() throws {
        var run = Self.run()
        run.run(until: .seconds(60)) { !Self.isComplete($0) }
        run.line.stick(mask: 1, value: 0, until: run.now + .seconds(100))
        run.run(until: run.now + .seconds(20))
        let before = run.readings
        run.run(until: run.now + .seconds(70))
        // Channels 1 and 3 answer as 0 and 2.
        #expect(run.readings[1] == before[1])
        #expect(run.readings[3] == before[3])
        #expect(run.readings[0] > before[0])
        #expect(run.readings[2] > before[2])
        let serials = Self.serials(run)
        let told = Set(run.complaints)
        #expect(run.complaints.count == 2)
        #expect(told.contains(.foreign(channel: 1, owner: 0, serial: try #require(serials[0]))))
        #expect(told.contains(.foreign(channel: 3, owner: 2, serial: try #require(serials[2]))))
        run.run(until: run.now + .seconds(60)) { $0.readings[1] == before[1] || $0.readings[3] == before[3] }
        #expect(run.readings[1] > before[1])
        #expect(run.readings[3] > before[3])
        #expect(run.finalTally.isTrue, "\(run.tally.examples)")
    }

    @Test("a line that gets stuck within a turn: its readings are dropped, for nobody vouches for them")
    func stuckWithinTurn() {
        var run = Self.run()
        run.run(until: .seconds(60)) { !Self.isComplete($0) }
        // In the middle of a turn of channel 1.
        run.run(until: run.now + .seconds(30)) { $0.multiplexer.selected != 1 }
        run.run(until: run.now + .milliseconds(700))
        #expect(run.multiplexer.selected == 1)
        run.line.stick(mask: 1, value: 0, until: run.now + .seconds(30))
        let before = run.readings[1]
        run.run(until: run.now + .seconds(20))
        #expect(run.readings[1] == before)
        #expect(run.multiplexer.turnCounters(1).brokenTurns == 1)
        #expect(run.finalTally.isTrue, "\(run.tally.examples)")
    }

    @Test("a port that is closed and opened: the chargers are told again, without learning everything anew")
    func reopened() {
        var run = Self.run()
        run.run(until: .seconds(60))
        var multiplexer = run.multiplexer
        _ = multiplexer.takeEvents()
        multiplexer.close(at: run.now)
        #expect(multiplexer.takeEvents().isEmpty)
        #expect(multiplexer.identity(0) == nil)
        #expect(multiplexer.selected == nil)
        var second = Run(multiplexer, line: run.line)
        second.run(until: run.now + .seconds(30)) { !Self.isComplete($0) }
        #expect(second.serials == Self.serials(run))
        #expect(second.tally.isTrue)
    }

    @Test("one channel alone is never switched away")
    func single() {
        let proof = MultiplexerProof(switches: 1, channels: 1, troubles: .init())
        var run = Run(MultiplexerSession(channels: 1, now: .zero), line: proof.line(ofSession: 0))
        run.run(until: .seconds(30))
        #expect(run.multiplexer.switches == 1)
        #expect(run.readings[0] > 100)
        #expect(run.finalTally.isTrue)
    }

    @Test("the shortest turn is kept, for the relays' sake")
    func shortestTurn() {
        var run = Self.run(.init(shortestTurn: .seconds(4), longestTurn: .seconds(5)))
        run.run(until: .seconds(100))
        #expect(run.multiplexer.switches <= 25)
        #expect(run.serials == Self.serials(run))
    }
}
