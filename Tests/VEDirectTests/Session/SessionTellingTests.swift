import Simulation
import Testing

@testable import VEDirect

/// A device that tells what changes is asked less; and nothing is missed for it, told or not.
@Suite("Devices that tell what changes")
struct SessionTellingTests {
    private static let plan = PollPlan(
        entries: [
            .init(.panelPower, .fast), .init(.chargerVoltage, .fast), .init(.deviceState, .fast),
            .init(.chargerCurrent, .fast), .init(.loadCurrent, .fast), .init(.panelVoltage, .fast),
            .init(.linkTotalPower, .fast),
        ], fastInterval: .seconds(1))

    /// A second round, the place in it, and the answer.
    private static let promise: Duration = .milliseconds(3600)

    private static func noon() -> ScriptedDevice {
        var device = ScriptedDevice(
            plan: plan,
            values: [
                .panelPower: word32(40_000), .chargerVoltage: word(2640), .deviceState: [3],
                .chargerCurrent: word(150), .loadCurrent: word(11), .panelVoltage: word(7012),
                .linkTotalPower: word32(.max),
            ])
        // As chargers are: a register is never answered at once.
        device.turnaround = .milliseconds(80)
        device.run(for: .seconds(15))
        return device
    }

    private static func word(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    private static func word32(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    /// The sun wavers for so many half seconds, and the device tells of it or does not.
    private static func waver(_ device: inout ScriptedDevice, halfSeconds: Int, isTold: Bool = true) {
        for step in 0..<halfSeconds {
            let power = 40_000 + device.now.wholeNanoseconds / 1_000_000 % 1000 + Int64(step % 2)
            device.values[.panelPower] = word32(UInt32(power))
            if isTold { device.say(.panelPower, device.values[.panelPower] ?? []) }
            device.run(for: .milliseconds(500))
        }
    }

    private static func asked(_ device: ScriptedDevice, _ register: RegisterID, since: Duration) -> Int {
        device.asked.count { $0.time >= since && $0.register == register }
    }

    @Test("what it tells is not asked for, what stands still less often, what it has not hardly ever")
    func asksLess() {
        var talking = Self.noon()
        var silent = Self.noon()
        Self.waver(&talking, halfSeconds: 10)
        Self.waver(&silent, halfSeconds: 10, isTold: false)
        let start = talking.now
        Self.waver(&talking, halfSeconds: 60)
        Self.waver(&silent, halfSeconds: 60, isTold: false)
        #expect(Self.asked(talking, .panelPower, since: start) == 0)
        // In every second round, and against too long a silence.
        #expect((14...25).contains(Self.asked(talking, .chargerVoltage, since: start)))
        #expect((14...25).contains(Self.asked(talking, .deviceState, since: start)))
        for register: RegisterID in [.panelPower, .chargerVoltage, .deviceState] {
            // A round begins a little later than the interval.
            #expect((26...31).contains(Self.asked(silent, register, since: start)), "\(register.hex)")
        }
        // "Not available" is asked for at the pace of slow registers, whether the device tells or not.
        #expect((2...4).contains(Self.asked(talking, .linkTotalPower, since: start)))
        #expect((2...4).contains(Self.asked(silent, .linkTotalPower, since: start)))
        let saved =
            1 - Double(talking.asked.count { $0.time >= start }) / Double(silent.asked.count { $0.time >= start })
        #expect(saved >= 0.3, "saves \(saved)")
    }

    @Test("no value of a charger grows older than promised, and none is wrong", arguments: [1, 2, 3] as [UInt64])
    func staysFresh(seed: UInt64) {
        var bench = SessionBench(.smartSolar150x60(firmware: .v164), seed: seed)
        bench.runChecked(for: .seconds(240))
        #expect(bench.wrong.isEmpty, "\(bench.wrong.prefix(2))")
        for register: RegisterID in [.panelPower, .panelVoltage, .chargerVoltage, .chargerCurrent, .deviceState] {
            let times = bench.readings(register, since: .seconds(30)).map(\.time)
            let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
            #expect((gaps.max() ?? .seconds(99)) < Self.promise, "\(register.hex): \(gaps.max() ?? .zero)")
        }
    }

    @Test("a change that is lost is known soon, and after it the register is asked for in each round")
    func lostChange() throws {
        var device = Self.noon()
        Self.waver(&device, halfSeconds: 20)
        let changed = device.now
        device.values[.chargerVoltage] = Self.word(2650)
        Self.waver(&device, halfSeconds: 8)
        let first = try #require(
            device.values(of: .chargerVoltage, since: changed).first { $0.raw == Self.word(2650) })
        #expect(first.time - changed <= Self.promise)
        let start = device.now
        Self.waver(&device, halfSeconds: 20)
        #expect((9...11).contains(Self.asked(device, .chargerVoltage, since: start)))
        // It tells of it once: that is word enough.
        device.values[.chargerVoltage] = Self.word(2655)
        device.say(.chargerVoltage, Self.word(2655))
        let told = device.now
        Self.waver(&device, halfSeconds: 20)
        #expect((4...8).contains(Self.asked(device, .chargerVoltage, since: told)))
    }

    @Test("a slow register that it tells of waits twice as long, and no longer")
    func slow() throws {
        func charger() -> ScriptedDevice {
            ScriptedDevice(
                plan: PollPlan(entries: Self.plan.entries + [.init(.chargerTemperature, .slow)]),
                values: [
                    .panelPower: Self.word32(40_000), .chargerVoltage: Self.word(2640), .deviceState: [3],
                    .linkTotalPower: Self.word32(.max), .chargerTemperature: Self.word(3100),
                ])
        }
        var talking = charger()
        var silent = charger()
        Self.waver(&talking, halfSeconds: 60)
        Self.waver(&silent, halfSeconds: 60, isTold: false)
        let start = talking.now
        Self.waver(&talking, halfSeconds: 120)
        Self.waver(&silent, halfSeconds: 120, isTold: false)
        #expect((3...4).contains(Self.asked(talking, .chargerTemperature, since: start)))
        #expect((6...8).contains(Self.asked(silent, .chargerTemperature, since: start)))
        let changed = talking.now
        talking.values[.chargerTemperature] = Self.word(3110)
        Self.waver(&talking, halfSeconds: 44)
        let first = try #require(
            talking.values(of: .chargerTemperature, since: changed).first { $0.raw == Self.word(3110) })
        #expect(first.time - changed <= .seconds(20))
    }

    @Test("a change that crosses its answer is no change that was kept back")
    func crossing() {
        var device = Self.noon()
        Self.waver(&device, halfSeconds: 20)
        device.values[.chargerVoltage] = Self.word(2648)
        Self.waver(&device, halfSeconds: 6)
        // The answer brought it; the device's own word comes a little late.
        device.say(.chargerVoltage, Self.word(2648))
        let start = device.now
        Self.waver(&device, halfSeconds: 20)
        #expect((4...8).contains(Self.asked(device, .chargerVoltage, since: start)))
    }

    @Test("a jump that is told and confirmed was told")
    func toldJump() {
        var device = Self.noon()
        Self.waver(&device, halfSeconds: 20)
        device.values[.deviceState] = [4]
        device.say(.deviceState, [4])
        Self.waver(&device, halfSeconds: 4)
        #expect(device.values(of: .deviceState).last?.raw == [4])
        let start = device.now
        Self.waver(&device, halfSeconds: 20)
        #expect((4...8).contains(Self.asked(device, .deviceState, since: start)))
    }

    @Test("a device that tells nothing any more is asked as one that never did")
    func stops() {
        var device = Self.noon()
        Self.waver(&device, halfSeconds: 20)
        let stopped = device.now
        Self.waver(&device, halfSeconds: 60, isTold: false)
        // What it was heard to tell is asked for at once, as it has become old.
        let values = device.values(of: .panelPower, since: stopped)
        let gaps = zip(values.dropFirst(), values).map { $0.time - $1.time }
        #expect((gaps.max() ?? .seconds(99)) < Self.promise)
        let start = stopped + DeviceSession.tellingLife + .seconds(2)
        #expect(Self.asked(device, .chargerVoltage, since: start) >= 16)
        #expect(Self.asked(device, .deviceState, since: start) >= 16)
    }

    @Test("after the first damage everything is asked for in each round, what was put off at once")
    func damage() {
        var device = Self.noon()
        Self.waver(&device, halfSeconds: 21)
        let damaged = device.now
        // A change of the battery's voltage, of which one digit is missing.
        device.hear(Array(":AD5ED006E0A1\n".utf8))
        device.values[.chargerVoltage] = Self.word(2641)
        Self.waver(&device, halfSeconds: 40)
        let first = device.values(of: .chargerVoltage, since: damaged).first { $0.raw == Self.word(2641) }
        #expect(first.map { $0.time - damaged <= .milliseconds(2100) } == true, "\(String(describing: first))")
        #expect(Self.asked(device, .chargerVoltage, since: damaged) >= 18)
    }

    @Test("old firmware says next to nothing by itself, and is asked for all of it")
    func oldFirmware() {
        var bench = SessionBench(.blueSolar75x15(firmware: .v116), seed: 3)
        bench.run(for: .seconds(90))
        let start = bench.line.now
        bench.run(for: .seconds(60))
        for register: RegisterID in [.panelPower, .chargerVoltage, .deviceState] {
            // In every second round it would be thirty times.
            #expect(bench.asked(register, since: start) >= 40, "\(register.hex)")
        }
    }

    @Test("what was not available and is again is known within a slow interval, told or not", arguments: [true, false])
    func appears(isTold: Bool) throws {
        var device = Self.noon()
        Self.waver(&device, halfSeconds: 40)
        let joined = device.now
        device.values[.linkTotalPower] = Self.word32(80_000)
        if isTold { device.say(.linkTotalPower, Self.word32(80_000)) }
        Self.waver(&device, halfSeconds: 24)
        let first = try #require(
            device.values(of: .linkTotalPower, since: joined).first { $0.raw == Self.word32(80_000) })
        #expect(first.time - joined <= (isTold ? .seconds(1) : .milliseconds(10_500)))
        // From then on it is as fast as any.
        let start = device.now
        Self.waver(&device, halfSeconds: 20)
        #expect(Self.asked(device, .linkTotalPower, since: start) >= 4)
    }
}
