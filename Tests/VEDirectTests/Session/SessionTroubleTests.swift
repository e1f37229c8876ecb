import Simulation
import Testing

@testable import VEDirect

/// Plugs that move, frames that lie, lines that destroy: nothing wrong leaves a session.
@Suite("Sessions in trouble")
struct SessionTroubleTests {
    @Test("everything is asked for once without pauses between", arguments: SessionTests.models.indices)
    func firstPassIsQuick(index: Int) throws {
        var bench = SessionBench(SessionTests.models[index], timing: SessionTests.widespread, seed: 3)
        bench.run(for: .seconds(12))
        let passed = try #require(bench.events.first { $0.event == .passCompleted }?.time)
        #expect(passed <= .seconds(9), "\(SessionTests.models[index].firmware): \(passed)")
        // What the schema needs comes first.
        for register in SessionTests.schema {
            let known = bench.events.first {
                if case .reading(let reading) = $0.event { return reading.register == register }
                return $0.event == .refused(register)
            }
            #expect(try #require(known).time <= .seconds(5), "\(register.hex)")
        }
    }

    @Test("asked for the schema alone, it is done within four seconds")
    func onceIsQuick() throws {
        let entries = PollPlan.standardEntries.filter { SessionTests.schema.contains($0.register) }
        for seed: UInt64 in 1...5 {
            var bench = SessionBench(
                .smartSolar150x60(firmware: .v316, link: .master), plan: PollPlan(entries: entries),
                timing: SessionTests.widespread, seed: seed)
            bench.run(for: .seconds(6))
            let passed = try #require(bench.events.first { $0.event == .passCompleted }?.time)
            #expect(passed <= .seconds(4), "\(passed)")
        }
    }

    @Test("a plug that is moved: nothing under the wrong name", arguments: [600, 1000, 2000, 7000])
    func swapped(milliseconds: Int) {
        for firmware in [FirmwareVersion.v150, .v164, .v316] {
            for seed: UInt64 in 1...6 {
                var bench = SessionBench(.smartSolar75x15(firmware: firmware), seed: seed)
                bench.runChecked(for: .milliseconds(Int64(9_000 + 61 * seed)))
                Self.movePlug(&bench, firmware, gap: .milliseconds(Int64(milliseconds)), seed: seed)
            }
        }
    }

    /// Moves the plug to another charger, as like the first as one can be: nothing of it comes under the first one's name.
    private static func movePlug(
        _ bench: inout SessionBench, _ firmware: FirmwareVersion, gap: Duration, seed: UInt64
    ) {
        bench.line.toHost = CutLine()
        bench.line.toCharger = CutLine()
        bench.runChecked(for: gap)
        bench.line.toHost = CleanLine()
        bench.line.toCharger = CleanLine()
        bench.swap(.smartSolar75x15(serial: "HQ2017ZZZZZ", firmware: firmware), seed: seed + 50)
        bench.runChecked(for: .seconds(12))
        #expect(bench.wrong.isEmpty, "\(firmware), seed \(seed): \(bench.wrong.prefix(2))")
        #expect(bench.session.identity?.serial == "HQ2017ZZZZZ")
    }

    @Test("a plug that is moved when all has long been quiet", arguments: [600, 800, 1000, 1200])
    func swappedLate(milliseconds: Int) {
        for firmware in [FirmwareVersion.v150, .v164] {
            for seed: UInt64 in 1...6 {
                var bench = SessionBench(.smartSolar75x15(firmware: firmware), seed: seed)
                bench.run(for: .milliseconds(Int64(70_000 + 173 * seed)))
                bench.runChecked(for: .seconds(1))
                Self.movePlug(&bench, firmware, gap: .milliseconds(Int64(milliseconds)), seed: seed)
            }
        }
    }

    @Test("a plug that is moved without a gap: no value that jumps", arguments: [0, 100, 300])
    func swappedAtOnce(milliseconds: Int) {
        for seed: UInt64 in 1...8 {
            var bench = SessionBench(.smartSolar75x15(firmware: .v316), seed: seed)
            bench.runChecked(for: .milliseconds(Int64(9_000 + 61 * seed)))
            let last = bench.readings(.chargerVoltage).last?.value.scaled ?? 0
            bench.line.toHost = CutLine()
            bench.runChecked(for: .milliseconds(Int64(milliseconds)))
            bench.line.toHost = CleanLine()
            // Another battery altogether.
            let site = SimulatedSite(battery: SimulatedBattery(nominalVoltage: 24))
            bench.line.charger = SimulatedCharger(
                .smartSolar150x60(serial: "HQ2017ZZZZZ", firmware: .v316), site: site, seed: seed + 50)
            _ = bench.line.charger.transmit(until: bench.line.now)
            let swapped = bench.line.now
            bench.run(for: .seconds(12))
            var serial = "HQ2017FGHIJ"
            for (time, event) in bench.events where time >= swapped {
                if case .identified(let identity) = event { serial = identity.serial }
                guard case .reading(let reading) = event, reading.register == .chargerVoltage else { continue }
                let isFirst = abs((reading.value.scaled ?? 0) - last) < 3
                #expect(isFirst == (serial == "HQ2017FGHIJ"), "\(time): \(reading.value) of \(serial)")
            }
            #expect(bench.session.identity?.serial == "HQ2017ZZZZZ")
        }
    }

    @Test("a serial number with two letters flipped, its check byte right, is nobody's")
    func phantom() {
        var bench = SessionBench(.smartSolar150x60(firmware: .v164), seed: 8)
        // HQ2012ABCDE with one letter a bit up and another a bit down.
        let phantom = Array("HQ2012ABCED".utf8) + [0, 0, 0, 0, 0]
        let frame = Self.frame(7, [0x0A, 0x01, 0x00] + phantom)
        for _ in 0..<40 {
            bench.injected = frame
            bench.runChecked(for: .milliseconds(730))
        }
        #expect(Set(bench.serials) == ["HQ2012ABCDE"])
        #expect(bench.wrong.isEmpty)
        #expect(bench.readings(.panelPower).count > 10)
    }

    @Test("a device that does not answer who it is, and says so in TEXT: a jump is published, and nothing spins")
    func refusesSerial() throws {
        var device = ScriptedDevice(
            plan: PollPlan(entries: [.init(.panelPower, .fast), .init(.deviceState, .fast)]),
            values: [.panelPower: [0x10, 0x27, 0, 0], .deviceState: [3]])
        device.values[.serialNumber] = nil
        func live(_ seconds: Int) {
            for _ in 0..<seconds {
                device.run(for: .seconds(1))
                device.hear(GeneratedStream.block(["PID=0xA053", "SER#=\(ScriptedDevice.serial)", "V=12800"]))
            }
        }
        live(20)
        #expect(device.session.identity?.serial == ScriptedDevice.serial)
        #expect(device.values(of: .deviceState).last?.raw == [3])
        device.values[.deviceState] = [4]
        live(10)
        #expect(device.values(of: .deviceState).last?.raw == [4])
        // What is never answered is waited for by nobody.
        #expect(device.session.deadline > .zero)
        #expect(!device.session.wantsSerial)
    }

    @Test("a week later a refused register is asked for again")
    func refusalsExpire() {
        var bench = SessionBench(.blueSolar75x15(), seed: 4)
        bench.run(for: .seconds(40))
        let memory = bench.session.memory
        #expect(memory.refused[.linkTotalPower] != nil)
        var day = SessionBench(.blueSolar75x15(), memory: memory, ahead: .seconds(24 * 3600), seed: 5)
        day.run(for: .seconds(30))
        #expect(day.asked(.linkTotalPower) == 0)
        var week = SessionBench(.blueSolar75x15(), memory: memory, ahead: .seconds(8 * 24 * 3600), seed: 5)
        week.run(for: .seconds(30))
        #expect(week.asked(.linkTotalPower) >= 1)
    }

    @Test("HEX and TEXT may disagree about the firmware: each must agree with itself, and HEX counts")
    func firmwareVotes() {
        let hex = FirmwareVersion(major: 3, minor: 16)
        let text = FirmwareVersion(major: 3, minor: 17)
        var votes = FirmwareVotes()
        votes.note(text, isText: true)
        #expect(votes.decided == nil)
        votes.note(text, isText: true)
        #expect(votes.decided == text)
        votes.note(hex, isText: false)
        #expect(votes.decided == nil)
        #expect(votes.needsHex)
        votes.note(hex, isText: false)
        #expect(votes.decided == hex)
        #expect(!votes.needsHex)
        // One of each that agree are enough.
        var both = FirmwareVotes()
        both.note(hex, isText: true)
        both.note(hex, isText: false)
        #expect(both.decided == hex)
        // What damage says now and then in hours unseats nobody, and is forgotten.
        var long = FirmwareVotes()
        for minor in 0..<90 {
            for _ in 0..<3 { long.note(hex, isText: false) }
            long.note(FirmwareVersion(major: 5, minor: minor / 4), isText: false)
            if minor > 0 { #expect(long.decided == hex, "after \(minor)") }
        }
    }

    @Test("noise of every kind and any bytes at all: no crash, no growth, nothing believed", arguments: 1...4)
    func fuzz(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var session = DeviceSession(now: .zero)
        var now = Duration.zero
        var identities = 0
        let pieces: [[UInt8]] = [
            Self.frame(7, [0xBC, 0xED, 0, 1, 2, 3, 4]), Self.frame(0xA, [0xBB, 0xED, 0, 9, 9]),
            Self.frame(5, [0x61, 0x41]),
            Self.frame(7, [0xBC, 0xED, 1]), Self.frame(4, [0xAA, 0xAA]), Self.frame(1, [0x62, 0xA0]),
            Array("\r\nPID\t0xA062\r\nSER#\tHQ".utf8), [0x3A, 0x37], [0x0A],
        ]
        for _ in 0..<20_000 {
            now += .microseconds(Int64(random.next() % 40_000))
            var bytes: [UInt8] = []
            for _ in 0..<Int(random.next() % 4) {
                if random.next() % 3 == 0 {
                    bytes += pieces[Int(random.next() % UInt64(pieces.count))]
                } else {
                    for _ in 0..<Int(random.next() % 20) { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
                }
            }
            session.receive(bytes, at: now)
            _ = session.nextRequest(at: now)
            for event in session.takeEvents() { if case .identified = event { identities += 1 } }
        }
        #expect(identities == 0)
        #expect(session.counters.readings == 0)
        #expect(session.counters.requests > 100)
    }

    @Test("one bit in a hundred wrong: every fast register within ten seconds, none of them wrong")
    func heavyDamage() {
        var rates = NoisyLine.Rates()
        rates.bitErrors = 1e-2
        var timing = ChargerTiming()
        timing.usualTurnAround = .milliseconds(2)...(.milliseconds(6))
        timing.slowShare = 0
        // Records of days too, which hardly ever come whole there: what moves does not wait for them.
        let plan = PollPlan(fastInterval: .zero)
        var bench = SessionBench(.smartSolar150x60(firmware: .v316), plan: plan, timing: timing, seed: 31)
        bench.line.toHost = NoisyLine(rates, seed: 31)
        bench.line.toCharger = NoisyLine(rates, seed: 32)
        bench.runChecked(for: .seconds(30))
        let start = bench.line.now
        bench.runChecked(for: .seconds(120))
        #expect(bench.wrong.isEmpty, "\(bench.wrong.prefix(3))")
        #expect(bench.asked(.historyDay(1)) > 0)
        for register: RegisterID in [.panelPower, .panelVoltage, .chargerVoltage, .chargerCurrent, .deviceState] {
            let times = [start] + bench.readings(register, since: start).map(\.time) + [bench.line.now]
            let gap = zip(times.dropFirst(), times).map { $0 - $1 }.max()
            #expect((gap ?? .seconds(99)) <= .seconds(10), "\(register.hex)")
        }
        #expect(bench.session.counters.combined > 0)
    }

    static func frame(_ nibble: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let check = payload.reduce(0x55 &- nibble) { $0 &- $1 }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = [0x3A, digits[Int(nibble)]]
        for byte in payload + [check] { bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return bytes + [0x0A]
    }
}
