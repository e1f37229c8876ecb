import Simulation
import Testing

@testable import VEDirect

/// What is true, however unlikely it looks, is given on, and soon; what witnesses say counts as evidence and no more.
@Suite("Truth that looks odd")
struct SessionTruthTests {
    private static let plan = PollPlan(
        entries: [
            .init(.panelPower, .fast), .init(.chargerVoltage, .fast), .init(.yieldToday, .fast),
            .init(.maximumPowerToday, .fast), .init(.chargerTemperature, .fast),
        ], fastInterval: .seconds(1))

    private static func noon() -> ScriptedDevice {
        var device = ScriptedDevice(
            plan: plan,
            values: [
                .panelPower: word32(40_000), .chargerVoltage: word(2640), .yieldToday: word(123),
                .maximumPowerToday: word(800), .chargerTemperature: word(3100),
            ])
        device.run(for: .seconds(15))
        return device
    }

    private static func word(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    private static func word32(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    @Test("the edge of a cloud: a real jump is given on after two answers about it", arguments: [100, 90_000])
    func cloudEdge(power: UInt32) throws {
        var device = Self.noon()
        let jumped = device.now
        device.values[.panelPower] = Self.word32(power)
        device.run(for: .seconds(3))
        let first = try #require(device.values(of: .panelPower, since: jumped).first { $0.raw == Self.word32(power) })
        let asked = device.asked.count {
            $0.time >= jumped && $0.time < first.time && $0.register == .panelPower
        }
        #expect(asked <= 2)
        #expect(first.time - jumped <= .milliseconds(1500), "within a round and its confirmation")
        // Nothing else came meanwhile.
        let others = device.values(of: .panelPower, since: jumped).filter { $0.raw != Self.word32(power) }
        #expect(others.isEmpty, "\(others)")
    }

    @Test("midnight: counters of the day begin again, and nought is right")
    func midnight() throws {
        var device = Self.noon()
        let midnight = device.now
        device.values[.yieldToday] = Self.word(0)
        device.values[.maximumPowerToday] = Self.word(0)
        device.run(for: .seconds(4))
        for register: RegisterID in [.yieldToday, .maximumPowerToday] {
            let first = try #require(device.values(of: register, since: midnight).first { $0.raw == [0, 0] })
            #expect(first.time - midnight <= .seconds(2), "\(register.hex)")
            // And it stays: the old value does not come back.
            let later = device.values(of: register, since: first.time).map(\.raw)
            #expect(later.allSatisfy { $0 == [0, 0] })
            #expect(later.count >= 2)
        }
    }

    @Test("a counter that runs backwards once is not given on")
    func backwardsOnce() {
        var device = Self.noon()
        let start = device.now
        let before = device.session.counters.readings
        // Unasked, once, as damage would say it: the register itself goes on as it was.
        device.say(.yieldToday, Self.word(7))
        device.run(for: .seconds(3))
        #expect(device.values(of: .yieldToday, since: start).allSatisfy { $0.raw == Self.word(123) })
        #expect(device.session.counters.readings > before)
    }

    @Test("a sensor that goes away and comes back: not available is a value like any other")
    func sentinel() throws {
        var device = Self.noon()
        let gone = device.now
        device.values[.chargerTemperature] = [0xFF, 0x7F]
        device.run(for: .seconds(4))
        let absent = try #require(
            device.readings.first { $0.time >= gone && $0.reading.register == .chargerTemperature })
        #expect(absent.reading.value == .notAvailable)
        #expect(absent.time - gone <= .seconds(2))
        let back = device.now
        device.values[.chargerTemperature] = Self.word(3050)
        device.run(for: .seconds(4))
        let values = device.values(of: .chargerTemperature, since: back).map(\.raw)
        let first = try #require(values.firstIndex(of: Self.word(3050)))
        #expect(values[first...].allSatisfy { $0 == Self.word(3050) })
    }

    @Test("two that agree, one unasked and one asked: no further question")
    func asyncIsWitness() {
        var judge = Self.doubtfulGuard()
        let raw = RawValue([0x10, 0x27])
        #expect(Self.judge(&judge, raw, isSolicited: false, at: .seconds(1)) == .doubt)
        #expect(Self.judge(&judge, raw, isSolicited: true, at: .seconds(2)) == .believe(.confirmed))
    }

    @Test("TEXT stands by as a witness, agrees to the digit or not at all, and is forgotten in time")
    func textIsWitness() {
        let raw = RawValue([0x10, 0x27])
        var agreeing = Self.doubtfulGuard()
        agreeing.witness(0, raw, at: .seconds(1))
        #expect(Self.judge(&agreeing, raw, isSolicited: true, at: .seconds(2)) == .believe(.confirmed))
        var close = Self.doubtfulGuard()
        close.witness(0, RawValue([0x11, 0x27]), at: .seconds(1))
        #expect(Self.judge(&close, raw, isSolicited: true, at: .seconds(2)) == .doubt)
        var late = Self.doubtfulGuard()
        late.witness(0, raw, at: .seconds(1))
        #expect(
            Self.judge(&late, raw, isSolicited: true, at: .seconds(1) + Guard.agreementWindow + .seconds(1)) == .doubt)
        // A witness alone is never given on: it has no verdict at all.
    }

    /// One register on a line that was damaged a moment ago.
    private static func doubtfulGuard() -> Guard {
        var judge = Guard()
        judge.add(.panelPower)
        judge.noteDamage(at: .zero)
        return judge
    }

    private static func judge(
        _ judge: inout Guard, _ raw: RawValue, isSolicited: Bool, at now: Duration
    ) -> Guard.Verdict {
        judge.judge(0, raw, .number(raw: 10_000, scaled: 100), isSolicited: isSolicited, at: now)
    }

    @Test("two chargers swapped on one cable in a hurry, the line clean or noisy", arguments: [0, 1e-3])
    func quickSwap(bitErrors: Double) {
        var rates = NoisyLine.Rates()
        rates.bitErrors = bitErrors
        for seed: UInt64 in 1...4 {
            for gap in [1000, 2500] {
                var bench = SessionBench(.smartSolar75x15(firmware: .v316), seed: seed)
                bench.line.toHost = NoisyLine(rates, seed: seed)
                bench.line.toCharger = NoisyLine(rates, seed: seed + 100)
                bench.runChecked(for: .milliseconds(Int64(12_000 + 61 * seed)))
                bench.line.toHost = CutLine()
                bench.line.toCharger = CutLine()
                bench.runChecked(for: .milliseconds(Int64(gap)))
                bench.line.toHost = NoisyLine(rates, seed: seed + 200)
                bench.line.toCharger = NoisyLine(rates, seed: seed + 300)
                bench.swap(.smartSolar75x15(serial: "HQ2017ZZZZZ", firmware: .v316), seed: seed + 50)
                bench.runChecked(for: .seconds(15))
                #expect(bench.wrong.isEmpty, "gap \(gap) ms, seed \(seed): \(bench.wrong.prefix(2))")
                #expect(bench.session.identity?.serial == "HQ2017ZZZZZ", "gap \(gap) ms, seed \(seed)")
            }
        }
    }

    @Test("a restart on a noisy line: the same device, and nothing wrong", arguments: [1, 2] as [UInt64])
    func noisyRestart(seed: UInt64) {
        var rates = NoisyLine.Rates()
        rates.bitErrors = 1e-3
        var bench = SessionBench(.smartSolar150x60(firmware: .v316), seed: seed)
        bench.line.toHost = NoisyLine(rates, seed: seed)
        bench.line.toCharger = NoisyLine(rates, seed: seed + 100)
        for _ in 0..<4 {
            bench.runChecked(for: .milliseconds(Int64(9_000 + seed * 137)))
            bench.line.charger.restart(at: bench.line.now)
        }
        let back = bench.line.now
        bench.runChecked(for: .seconds(15))
        #expect(bench.wrong.isEmpty, "\(bench.wrong.prefix(2))")
        #expect(Set(bench.serials) == [bench.line.charger.serial])
        #expect(bench.readings(.panelPower, since: back).count >= 3)
    }

    @Test("on a noisy line, answers that come late to a request that was repeated", arguments: [1, 2] as [UInt64])
    func lateOnNoise(seed: UInt64) {
        var rates = NoisyLine.Rates()
        rates.bitErrors = 1e-3
        var timing = ChargerTiming()
        timing.slowShare = 0.2
        timing.slowTurnAround = .milliseconds(700)...(.milliseconds(1200))
        var bench = SessionBench(.smartSolar75x15(), timing: timing, seed: seed)
        bench.line.toHost = NoisyLine(rates, seed: seed)
        bench.line.toCharger = NoisyLine(rates, seed: seed + 100)
        bench.runChecked(for: .seconds(120))
        #expect(bench.wrong.isEmpty, "\(bench.wrong.prefix(2))")
        #expect(bench.session.counters.retries > 5)
        #expect(bench.readings(.panelPower).count > 20)
    }
}
