import Testing

@testable import VEDirect

/// A device that reports so many changes that reading them again fills a line that is not clean: everything else is
/// read all the same.
@Suite("Starvation on a line that is not clean")
struct SessionStarvationTests {
    /// What the device reports as it changes.
    private static let moving: [RegisterID] = [.panelPower, .panelVoltage, .chargerVoltage, .chargerCurrent]

    private static let plan = PollPlan(
        entries: moving.map { .init($0, .fast) } + [
            .init(.deviceState, .fast), .init(.loadCurrent, .fast), .init(.chargerError, .slow),
            .init(.trackerMode, .slow), .init(.systemYield, .slow),
        ])

    /// A device that was asked for everything once, on a line where one frame was damaged just now.
    private static func busy() -> ScriptedDevice {
        var device = ScriptedDevice(
            plan: plan,
            values: [
                .panelPower: word32(40_000), .panelVoltage: word(7012), .chargerVoltage: word(2640),
                .chargerCurrent: word(150), .deviceState: [3], .loadCurrent: word(11), .chargerError: [0],
                .trackerMode: [2], .systemYield: word32(12_345), .absorptionVoltage: word(2880),
            ])
        device.turnaround = .milliseconds(60)
        device.run(for: .seconds(15))
        // Its last digit is wrong.
        device.hear(Array(":A0102000350\n".utf8))
        return device
    }

    /// Lets the device report a change every 60 ms, in turn of each register that moves.
    private static func waver(_ device: inout ScriptedDevice, for time: Duration) {
        let end = device.now + time
        var step = 0
        while device.now < end {
            let register = moving[step % moving.count]
            let size = device.values[register]?.count ?? 2
            let number = UInt32(2600 + step / moving.count % 40)
            device.values[register] = size == 4 ? word32(number * 15) : word(UInt16(number) / (step % 4 == 3 ? 17 : 1))
            device.say(register, device.values[register] ?? [])
            device.run(for: .milliseconds(60))
            step += 1
        }
    }

    private static func word(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    private static func word32(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    /// The longest time from `start` on without a value of the register.
    private static func longestGap(_ device: ScriptedDevice, _ register: RegisterID, since start: Duration) -> Duration
    {
        let times = [start] + device.values(of: register, since: start).map(\.time) + [device.now]
        return zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? .zero
    }

    @Test("no fast register waits for more than five seconds, no slow one for three of its intervals")
    func everythingIsRead() {
        var device = Self.busy()
        let start = device.now
        Self.waver(&device, for: .seconds(120))
        for register in Self.moving + [.deviceState, .loadCurrent] {
            let gap = Self.longestGap(device, register, since: start)
            #expect(gap <= .seconds(5), "\(register.hex): \(gap)")
        }
        for register: RegisterID in [.chargerError, .trackerMode, .systemYield] {
            let gap = Self.longestGap(device, register, since: start)
            #expect(gap <= .seconds(30), "\(register.hex): \(gap)")
        }
        // What moves is still read most of the time.
        let moves = Self.moving.reduce(0) { $0 + device.values(of: $1, since: start).count }
        #expect(moves >= 600, "\(moves)")
    }

    @Test("a register that the caller asks for is read within a second")
    func demands() throws {
        var device = Self.busy()
        Self.waver(&device, for: .seconds(2))
        for _ in 0..<10 {
            let asked = device.now
            let isAccepted = device.demand(.absorptionVoltage)
            #expect(isAccepted)
            Self.waver(&device, for: .seconds(3))
            let value = try #require(device.values(of: .absorptionVoltage, since: asked).first)
            #expect(value.time - asked <= .seconds(1))
        }
    }

    @Test("with rounds of half a minute an older value is not asked for out of its turn")
    func longRounds() {
        var plan = Self.plan
        plan.fastInterval = .seconds(30)
        plan.slowInterval = .seconds(60)
        var device = ScriptedDevice(
            plan: plan, values: [.panelPower: Self.word32(40_000), .panelVoltage: Self.word(7012), .deviceState: [3]])
        device.run(for: .seconds(15))
        let start = device.now
        for _ in 0..<40 {
            device.hear(Array(":A0102000350\n".utf8))
            device.run(for: .seconds(15))
        }
        // Twenty rounds; what moves is read twice in each.
        let states = device.asked.count { $0.time >= start && $0.register == .deviceState }
        let powers = device.asked.count { $0.time >= start && $0.register == .panelPower }
        #expect((19...22).contains(states), "\(states)")
        #expect((38...42).contains(powers), "\(powers)")
    }
}
