import Simulation
import Testing
import VEDirect

/// Registers that somebody asks for out of turn, and other intervals while a session runs.
@Suite("Wishes of a session's caller")
struct DemandTests {
    /// Only the panel's power is asked for by itself.
    private static let plan = PollPlan(entries: [.init(.panelPower, .fast)])

    private static func polling(seed: UInt64 = 1) -> SessionBench {
        var bench = SessionBench(.smartSolar150x60(firmware: .v164), plan: plan, seed: seed)
        bench.run(for: .seconds(6))
        return bench
    }

    @Test("a register that the plan does not have is read within a second, once")
    func readsOne() throws {
        var bench = Self.polling()
        #expect(bench.firstReading(.absorptionVoltage) == nil)
        let asked = bench.line.now
        let isTaken = bench.session.demand(.absorptionVoltage)
        #expect(isTaken)
        bench.runChecked(for: .seconds(30))
        let times = bench.requests.filter { $0.request == .get(.absorptionVoltage) }.map(\.time)
        #expect(times.count == 1)
        let reading = try #require(bench.readings(.absorptionVoltage).first)
        #expect(reading.time - asked < .seconds(1))
        #expect(bench.wrong.isEmpty)
        #expect(bench.line.charger.forbiddenCommands == 0)
    }

    @Test("a register that the device tells of unasked, and that moves, is read all the same")
    func readsWhatMoves() throws {
        for seed in 1...60 as ClosedRange<UInt64> {
            var bench = Self.polling(seed: seed)
            // A line with damage: every answer is doubted until another frame says the same.
            var rates = NoisyLine.Rates()
            rates.bitErrors = 3e-4
            bench.line.toHost = NoisyLine(rates, seed: seed)
            bench.run(for: .seconds(20))
            // Anywhere between two frames that come unasked.
            bench.run(for: .milliseconds(17 * Int(seed)))
            let asked = bench.line.now
            let isTaken = bench.session.demand(.panelPower)
            #expect(isTaken)
            bench.run(for: .seconds(4))
            let isRead = bench.readings(.panelPower).contains { $0.time > asked && $0.provenance != .async }
            #expect(isRead, "seed \(seed)")
        }
    }

    @Test("a register that the device does not have is refused, each time that it is asked for")
    func refusesOne() throws {
        var bench = Self.polling()
        for turn in 1...2 {
            let isTaken = bench.session.demand(RegisterID(0x7777))
            #expect(isTaken)
            bench.run(for: .seconds(5))
            let refusals = bench.events.count { $0.event == .refused(RegisterID(0x7777)) }
            #expect(refusals == turn)
        }
        #expect(bench.firstReading(RegisterID(0x7777)) == nil)
    }

    @Test("of wishes there is a bound, and nobody who does not answer is asked")
    func bound() {
        var bench = Self.polling()
        for number in 0..<UInt16(DeviceSession.maximumDemands) {
            let isTaken = bench.session.demand(RegisterID(0x2000 + number))
            #expect(isTaken)
        }
        let isOneMoreTaken = bench.session.demand(RegisterID(0x7777))
        #expect(!isOneMoreTaken)
        bench.session.withdrawDemand(RegisterID(0x2000))
        let isNowTaken = bench.session.demand(RegisterID(0x7777))
        #expect(isNowTaken)
        var fresh = SessionBench(.smartSolar150x60(), plan: Self.plan)
        let isTakenUnknown = fresh.session.demand(.panelVoltage)
        #expect(!isTakenUnknown)
    }

    @Test("on a noisy line too only what can be believed is told")
    func noise() {
        for seed: UInt64 in 1...4 {
            var bench = Self.polling(seed: seed)
            var rates = NoisyLine.Rates()
            rates.bitErrors = 1e-3
            bench.line.toHost = NoisyLine(rates, seed: seed)
            for _ in 0..<10 {
                _ = bench.session.demand(.absorptionVoltage)
                bench.runChecked(for: .seconds(8))
                bench.session.withdrawDemand(.absorptionVoltage)
            }
            #expect(bench.wrong.isEmpty, "seed \(seed): \(bench.wrong)")
        }
    }

    @Test("longer intervals mean fewer requests at once, and shorter ones more at once")
    func intervals() {
        var bench = SessionBench(.smartSolar150x60(firmware: .v116))
        bench.run(for: .seconds(90))
        func requests(for time: Duration) -> Int {
            let before = bench.requests.count
            bench.run(for: time)
            return bench.requests.count - before
        }
        let day = requests(for: .seconds(60))
        bench.session.adopt(
            intervalsOf: PollPlan(fastInterval: .seconds(15), slowInterval: .seconds(60)), at: bench.line.now)
        let night = requests(for: .seconds(60))
        #expect(night * 4 < day, "\(night) by night, \(day) by day")
        #expect(night >= 4 * 4)
        bench.session.adopt(intervalsOf: PollPlan(), at: bench.line.now)
        let lit = bench.line.now
        bench.run(for: .seconds(3))
        // Everything that moves was read within seconds of the change.
        let read = bench.readings(.panelPower).last?.time ?? .zero
        #expect(read - lit > .zero)
        #expect(requests(for: .seconds(57)) * 10 > day * 8)
    }
}
