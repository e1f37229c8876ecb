import Simulation
import Testing
import VEDirect

/// What a device of each kind has to go through with a session, in virtual time.
@Suite("Sessions")
struct SessionTests {
    static let models: [ChargerModel] = [
        .smartSolar150x60(firmware: .v116, link: .absent),
        .blueSolar75x15(firmware: .v150),
        .smartSolar75x15(firmware: .v164),
        .smartSolar150x60(firmware: .v164, link: .master),
        .smartSolar75x15(firmware: .v316, link: .slave),
        .smartSolar150x60(firmware: .v316),
    ]

    /// The turn-around of every request anywhere between 45 and 130 ms.
    static var widespread: ChargerTiming {
        var timing = ChargerTiming()
        timing.usualTurnAround = .milliseconds(45)...(.milliseconds(130))
        return timing
    }

    /// The registers of the schema, and those that stand in for them.
    static let schema: [RegisterID] = [
        .productID, .applicationVersion, .linkAlgorithmVersion, .linkVoltageSetpoint, .linkStateTime,
        .linkAbsorptionTime, .linkIdleVoltage, .linkDeviceState, .linkTotalPower, .batteryCurrent, .panelPower,
        .systemVoltage, .undocumentedEC3E, .deviceState, .chargerCurrent, .loadCurrent,
    ]

    @Test("who it is within 3 s, and every register of the schema within 6 s", arguments: models.indices)
    func isKnownSoon(index: Int) throws {
        let model = Self.models[index]
        for delivery in [VirtualLine.Delivery.lowLatency, .ragged] {
            for seed: UInt64 in 1...3 {
                var bench = SessionBench(model, timing: Self.widespread, delivery: delivery, seed: seed)
                bench.runChecked(for: .seconds(6))
                let identified = try #require(bench.identifiedAt)
                #expect(identified <= .seconds(3), "\(model.firmware) \(seed)")
                #expect(Set(bench.serials) == [model.serial])
                for register in Self.schema {
                    #expect(
                        bench.firstReading(register) != nil || bench.isRefused(register),
                        "\(register.hex) of \(model.firmware), seed \(seed)")
                }
                #expect(bench.wrong.isEmpty)
                #expect(bench.line.charger.forbiddenCommands == 0)
            }
        }
    }

    @Test("product and firmware are known with the serial or soon after", arguments: models.indices)
    func knowsTheRest(index: Int) throws {
        let model = Self.models[index]
        var bench = SessionBench(model, timing: Self.widespread, seed: 3)
        bench.run(for: .seconds(6))
        let identity = try #require(bench.session.identity)
        #expect(identity.productID == model.productID)
        #expect(identity.firmware == model.firmware)
    }

    @Test("a clean line costs at most 2 % of requests more than are asked", arguments: models.indices)
    func cleanLineIsCheap(index: Int) {
        let model = Self.models[index]
        var site = SimulatedSite(clock: SolarClock(startHour: 10, dayLength: .seconds(24 * 3600)))
        site.sky = Sky(seed: 5)
        var bench = SessionBench(model, site: site, seed: 5)
        bench.run(for: .seconds(300))
        let counters = bench.session.counters
        #expect(
            Double(counters.retries + counters.confirmations) <= 0.02 * Double(counters.requests),
            "\(counters.retries) retries, \(counters.confirmations) confirmations of \(counters.requests)")
        #expect(counters.timeouts * 200 <= counters.requests)
    }

    @Test("asking back to back takes the time of the wire and of the device, and no more")
    func isFast() {
        // A device that says nothing but answers, each after exactly 60 ms.
        var timing = ChargerTiming()
        timing.usualTurnAround = .milliseconds(60)...(.milliseconds(60))
        timing.slowShare = 0
        var bench = SessionBench(
            .blueSolar75x15(firmware: .v116), plan: PollPlan(fastInterval: .zero), timing: timing,
            delivery: .bytewise, seed: 7)
        bench.run(for: .seconds(30))
        let start = bench.line.now
        bench.run(for: .seconds(60))
        let asked = bench.requests.filter { $0.time >= start }
        // 11 bytes there, 17 back for a value of two bytes (four more for one of four), and the turn-around.
        let exchange = Duration.microseconds(11 * 521 + 18 * 521) + .milliseconds(60)
        let least = Double(asked.count) * (exchange / .seconds(1))
        #expect(60 / least <= 1.05, "\(asked.count) requests in 60 s")
        // Of a round, at most one request is for anything but the fast registers.
        let fast = Set(PollPlan.standardEntries.filter { $0.pace == .fast }.map(\.register))
        let others = asked.count { if case .get(let register) = $0.request { !fast.contains(register) } else { true } }
        #expect(Double(others) / Double(asked.count) < 0.2)
    }

    @Test("what a device says unasked is not asked for")
    func asyncSavesRequests() {
        let model = ChargerModel.smartSolar150x60(firmware: .v164)
        var quiet = model
        // The same device, but of a firmware that says next to nothing unasked.
        quiet.firmware = .v116
        let plan = PollPlan(entries: PollPlan.standardEntries.filter { $0.pace == .fast })
        var talking = SessionBench(model, plan: plan, seed: 11)
        var silent = SessionBench(quiet, plan: plan, seed: 11)
        talking.run(for: .seconds(120))
        silent.run(for: .seconds(120))
        let saved = 1 - Double(talking.session.counters.requests) / Double(silent.session.counters.requests)
        #expect(saved >= 0.3, "saves \(saved)")
        // And its values are no older for it than a second round.
        for register: RegisterID in [.panelPower, .panelVoltage, .chargerVoltage, .chargerCurrent] {
            let times = talking.readings(register, since: .seconds(10)).map(\.time)
            let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
            #expect((gaps.max() ?? .seconds(99)) < .milliseconds(3600), "\(register.hex): \(gaps.max() ?? .zero)")
        }
    }

    // MARK: Lines and devices in trouble

    @Test("a device that hears nothing is told from one that is not there")
    func deafAndCut() {
        var bench = SessionBench(.smartSolar75x15(), seed: 2)
        bench.run(for: .seconds(10))
        #expect(bench.session.state == .polling)
        bench.line.toCharger = CutLine()
        bench.run(for: .seconds(10))
        #expect(bench.session.state == .textOnly)
        bench.line.toHost = CutLine()
        bench.run(for: .seconds(10))
        #expect(bench.session.state == .silent)
        bench.line.toHost = CleanLine()
        bench.line.toCharger = CleanLine()
        let back = bench.line.now
        bench.runChecked(for: .seconds(8))
        #expect(bench.session.state == .polling)
        #expect(bench.wrong.isEmpty)
        #expect(!bench.readings(.panelPower, since: back).isEmpty)
    }

    @Test("another charger on the plug: not one reading under the wrong name", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func swapped(seed: UInt64) {
        var bench = SessionBench(.smartSolar75x15(serial: "HQ2017FGHIJ"), seed: seed)
        bench.runChecked(for: .seconds(15))
        #expect(bench.session.identity?.serial == "HQ2017FGHIJ")
        // Pulled for a moment, and another one put in.
        bench.line.toHost = CutLine()
        bench.runChecked(for: .seconds(4))
        bench.line.toHost = CleanLine()
        bench.swap(.smartSolar150x60(serial: "HQ2012ABCDE"), seed: seed + 50)
        let swapped = bench.line.now
        bench.runChecked(for: .seconds(15))
        #expect(bench.wrong.isEmpty, "\(bench.wrong.prefix(3))")
        #expect(bench.session.identity?.serial == "HQ2012ABCDE")
        #expect(!bench.readings(.panelPower, since: swapped).isEmpty)
    }

    @Test(
        "plugs swapped in a moment: no answer, or a jump, gives it away before a reading leaves",
        arguments: [100, 250, 450, 700, 1500, 3000] as [Int64])
    func swappedQuickly(pause: Int64) {
        for seed: UInt64 in 1...8 {
            // Back to back, so that a plug cannot be moved without cutting a conversation.
            var bench = SessionBench(
                .smartSolar75x15(serial: "HQ2017FGHIJ"), plan: PollPlan(fastInterval: .zero), seed: seed)
            bench.runChecked(for: .milliseconds(Int64(9_000 + seed * 173)))
            bench.line.toHost = CutLine()
            bench.line.toCharger = CutLine()
            bench.runChecked(for: .milliseconds(pause))
            bench.line.toHost = CleanLine()
            bench.line.toCharger = CleanLine()
            bench.swap(.smartSolar150x60(serial: "HQ2012ABCDE"), seed: seed + 50)
            bench.runChecked(for: .seconds(12))
            #expect(bench.session.identity?.serial == "HQ2012ABCDE", "seed \(seed)")
            #expect(bench.wrong.isEmpty, "seed \(seed): \(bench.wrong.prefix(3))")
        }
    }

    @Test("a restart in the middle of everything", arguments: [1, 2, 3] as [UInt64])
    func restarts(seed: UInt64) {
        var bench = SessionBench(.smartSolar150x60(firmware: .v316), seed: seed)
        for _ in 0..<5 {
            bench.runChecked(for: .milliseconds(Int64(7_000 + seed * 137)))
            bench.line.charger.restart(at: bench.line.now)
        }
        let back = bench.line.now
        bench.runChecked(for: .seconds(10))
        #expect(bench.wrong.isEmpty)
        #expect(Set(bench.serials) == [bench.line.charger.serial])
        #expect(bench.session.state == .polling)
        #expect(bench.readings(.panelPower, since: back).count >= 3)
    }

    @Test("a device that answers late, and after the request was repeated")
    func answersLate() {
        var timing = ChargerTiming()
        timing.slowShare = 0.2
        timing.slowTurnAround = .milliseconds(700)...(.milliseconds(1200))
        var bench = SessionBench(.smartSolar75x15(), timing: timing, seed: 9)
        bench.runChecked(for: .seconds(120))
        #expect(bench.wrong.isEmpty)
        #expect(bench.session.counters.retries > 5)
        #expect(bench.readings(.panelPower).count > 20)
    }

    // MARK: What was learned

    @Test("a register that the device does not have is asked for once in a week")
    func refusedRegistersAreLearned() {
        var bench = SessionBench(.blueSolar75x15(), seed: 4)
        bench.run(for: .seconds(60))
        #expect(bench.isRefused(.linkTotalPower))
        let asked = bench.asked(.linkTotalPower)
        #expect(asked <= 2)
        bench.run(for: .seconds(300))
        #expect(bench.asked(.linkTotalPower) == asked)

        // The next session of the same device knows from the start.
        var again = SessionBench(.blueSolar75x15(), memory: bench.session.memory, seed: 5)
        again.run(for: .seconds(60))
        let askedAgain = again.asked(.linkTotalPower)
        let isRefused = again.isRefused(.linkTotalPower)
        #expect(askedAgain == 0)
        #expect(isRefused)

        // Another firmware may have it.
        var updated = SessionBench(
            .blueSolar75x15(firmware: FirmwareVersion(major: 1, minor: 52)), memory: bench.session.memory, seed: 6)
        updated.run(for: .seconds(60))
        #expect(updated.asked(.linkTotalPower) >= 1)
    }

    // MARK: Noise

    @Test("one bit in a thousand wrong: every value right, all of them fresh", arguments: [1, 2, 3] as [UInt64])
    func noisy(seed: UInt64) throws {
        var rates = NoisyLine.Rates()
        rates.bitErrors = 1e-3
        var bench = SessionBench(.smartSolar150x60(firmware: .v316), seed: seed)
        bench.line.toHost = NoisyLine(rates, seed: seed)
        bench.line.toCharger = NoisyLine(rates, seed: seed + 100)
        bench.runChecked(for: .seconds(90))
        #expect(bench.wrong.isEmpty, "\(bench.wrong.prefix(3))")
        #expect(Set(bench.serials) == [bench.line.charger.serial])
        #expect(bench.session.counters.rejectedFrameTotal > 10)
        #expect(bench.readings(.panelPower).count > 45)
        #expect(bench.line.charger.forbiddenCommands == 0 || bench.line.charger.damagedRequests > 0)
    }

    @Test("noise makes no device forget a register that it has")
    func noiseRefusesNothing() {
        var rates = NoisyLine.Rates()
        rates.bitErrors = 3e-3
        var bench = SessionBench(.smartSolar150x60(firmware: .v164, link: .master), seed: 21)
        bench.line.toHost = NoisyLine(rates, seed: 21)
        bench.line.toCharger = NoisyLine(rates, seed: 22)
        bench.run(for: .seconds(200))
        for (_, event) in bench.events {
            guard case .refused(let register) = event else { continue }
            #expect(bench.line.charger.currentValue(register) == nil, "\(register.hex) was refused by noise")
        }
        #expect(bench.identifiedAt != nil)
    }
}
