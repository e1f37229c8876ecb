import Glibc
import Testing
import VEDirect

@testable import History

@Suite struct YieldMeterTests {
    /// 200 W for ten hours, the counter read once a minute in steps of 0.01 kWh.
    @Test func finerThanTheCounter() {
        var meter = YieldMeter(estimate: nil, lastSeen: nil, longestHold: 300)
        var truth = 55.554
        let begin = truth
        for step in 0...3600 {
            let time = Double(step) * 10
            meter.add(power: 200, at: time)
            if step % 6 == 0 { meter.add(counter: (truth * 100).rounded(.down) / 100, at: time) }
            truth += 200 * 10 / 3_600_000
        }
        #expect(abs(meter.gained - (truth - begin)) < 0.007)
    }

    @Test func neverBackAndNeverFarFromTheCounter() {
        var meter = YieldMeter(estimate: 10, lastSeen: 0, longestHold: 300)
        var last = 0.0
        // The power claims twice what the counter says.
        for step in 0..<2000 {
            let time = Double(step) * 10
            meter.add(power: 400, at: time)
            if step % 3 == 0 {
                meter.add(counter: ((10 + Double(step) * 10 * 200 / 3_600_000) * 100).rounded(.down) / 100, at: time)
            }
            #expect(meter.gained >= last)
            last = meter.gained
        }
        #expect(abs(meter.gained - 2000 * 10 * 200 / 3_600_000) < 0.015)
    }

    @Test func whatCameUnseenIsToldApart() {
        var meter = YieldMeter(estimate: 100.004, lastSeen: 1000, longestHold: 300)
        meter.add(counter: 103.21, at: 90_000)
        #expect(meter.gained == 0)
        #expect(meter.unseen?.since == 1000)
        #expect(abs((meter.unseen?.energy ?? 0) - 3.211) < 0.001)
    }

    @Test func anotherCounterTakesNothingBack() {
        var meter = YieldMeter(estimate: 100, lastSeen: 0, longestHold: 300)
        meter.add(counter: 3, at: 100)
        #expect(meter.gained == 0)
        #expect(meter.unseen == nil)
        meter.add(counter: 3.02, at: 200)
        #expect(meter.gained > 0.01 && meter.gained < 0.02)
    }
}

@Suite struct ChargerRecordTests {
    static func record(_ sequence: Int, yield: Double = 1) -> HistoryDay? {
        var bytes = [UInt8](repeating: 0, count: 34)
        let raw = Int(yield * 100)
        bytes[1] = UInt8(raw & 0xFF)
        bytes[2] = UInt8(raw >> 8)
        bytes[32] = UInt8(sequence & 0xFF)
        bytes[33] = UInt8(sequence >> 8)
        return HistoryDay(RawValue(bytes))
    }

    private let today = CivilDate(year: 2026, month: 6, day: 10)

    private func days(
        _ sequences: [Int], hour: Int, isProducing: Bool, known: [Int: CivilDate] = [:]
    ) -> [ChargerDayRecord] {
        ChargerDayRecord.place(
            sequences.compactMap { Self.record($0) }, of: "HQ1", today: today, hour: hour, isProducing: isProducing,
            known: known)
    }

    @Test func theDayBeginsAtDawn() {
        #expect(days([7, 6, 5], hour: 11, isProducing: true).map(\.day) == [today, today - 1, today - 2])
        #expect(days([7, 6], hour: 4, isProducing: false).map(\.day) == [today - 1, today - 2])
        #expect(days([7, 6], hour: 22, isProducing: false).map(\.day) == [today, today - 1])
    }

    @Test func theNumberIsTheDayWhateverTheClockSays() {
        // It has been dark for two days: the charger still counts the day that is known.
        let known = [7: today - 2, 6: today - 3]
        #expect(days([7, 6], hour: 13, isProducing: false, known: known).map(\.day) == [today - 2, today - 3])
        // After 364 comes 0.
        let wrapped = days([0, 364, 363], hour: 12, isProducing: true, known: [363: today - 2])
        #expect(wrapped.map(\.day) == [today, today - 1, today - 2])
        #expect(wrapped.allSatisfy { !$0.isUncertain })
    }

    @Test func aDayWithoutANumberMakesTheOthersUncertain() {
        // Between 4 (known) and 6 lie three days of the calendar but two numbers.
        let placed = days([6, 5, 4], hour: 12, isProducing: true, known: [4: today - 3])
        #expect(placed.map(\.day) == [today, today - 1, today - 3])
        #expect(placed[1].isUncertain)
        #expect(!placed[2].isUncertain)
    }
}

/// Days as the fold would give them: comparable energy by thirds, with the weather in common.
@Suite struct UnderperformanceTests {
    private struct Noise {
        var state: UInt64 = 88_172_645_463_325_252
        mutating func next() -> Double {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Double(state >> 11) / 9_007_199_254_740_992 * 2 - 1
        }
    }

    private let first = CivilDate(year: 2026, month: 3, day: 1)

    /// - Parameter health: by day, charger and third of the day.
    private func year(
        days: Int = 365, chargers: Int = 3, noise: Double = 0.02, seed: UInt64 = 1,
        health: (Int, Int, Int) -> Double
    ) -> [DayFigures] {
        var random = Noise()
        random.state ^= seed &* 0x9E37_79B9_7F4A_7C15
        var all: [DayFigures] = []
        for day in 0..<days {
            // Most days have some light, some have next to none; full batteries cut some short.
            let season = 1 + 0.7 * cos(Double(day - 112) / 365 * 2 * .pi)
            let weather = season * (0.15 + 0.85 * abs(random.next()))
            for charger in 0..<chargers {
                var values: [String: Double] = ["compare.time": 7200]
                for (third, name) in ["morning", "noon", "evening"].enumerated() {
                    let own = 1 + noise * random.next()
                    values["compare." + name] =
                        weather * [0.2, 0.5, 0.3][third] * (0.6 + 0.3 * Double(charger)) * own
                        * health(day, charger, third)
                }
                all.append(DayFigures(day: first + day, device: "HQ\(charger)", values: values))
            }
        }
        return all
    }

    @Test(arguments: 1...8)
    func aLossIsFoundWithinTenDays(seed: Int) throws {
        let findings = UnderperformanceWatch.findings(
            in: year(seed: UInt64(seed)) { day, charger, _ in charger == 1 && day >= 200 ? 0.85 : 1 })
        let alarms = findings.filter { $0.kind.isAlarm }
        #expect(alarms.count == 1)
        let alarm = try #require(alarms.first)
        #expect(alarm.device == "HQ1")
        #expect(abs(alarm.since - (first + 200)) <= 2)
        #expect((3...10).contains(alarm.noticed - (first + 200)))
        #expect(abs(alarm.less - 15) < 3)
        #expect(alarm.until == nil)
        #expect(alarm.confidence > 0.7)
    }

    @Test(arguments: 1...12)
    func nothingIsFoundWhereNothingIs(seed: Int) {
        #expect(UnderperformanceWatch.findings(in: year(noise: 0.03, seed: UInt64(seed)) { _, _, _ in 1 }).isEmpty)
        #expect(UnderperformanceWatch.findings(in: year(chargers: 1, seed: UInt64(seed)) { _, _, _ in 0.5 }).isEmpty)
    }

    @Test func aSeasonsShadeIsNoAlarm() throws {
        let findings = UnderperformanceWatch.findings(
            in: year { day, charger, third in
                guard charger == 2 else { return 1 }
                let low = max(0, cos(Double(day - 295) / 70 * .pi / 2))
                return abs(day - 295) < 70 ? 1 - low * (third == 0 ? 0.6 : 0.15) : 1
            })
        #expect(!findings.contains { $0.kind.isAlarm })
        let shade = try #require(findings.first { $0.kind == .shade })
        #expect(shade.device == "HQ2")
        #expect(abs(shade.since - (first + 240)) < 30)
    }

    @Test func snowGoesAway() throws {
        let findings = UnderperformanceWatch.findings(
            in: year { day, charger, _ in charger == 0 && (290..<300).contains(day) ? 0.08 : 1 })
        let snow = try #require(findings.first)
        #expect(findings.count == 1)
        #expect(snow.kind == .covered)
        #expect(snow.device == "HQ0")
        #expect(snow.since == first + 290)
        #expect(snow.until == first + 299)
        #expect(!snow.kind.isAlarm)
    }

    @Test func aStringOfThreeFails() throws {
        let findings = UnderperformanceWatch.findings(
            in: year { day, charger, _ in charger == 2 && day >= 120 ? 2.0 / 3 : 1 })
        let finding = try #require(findings.first)
        #expect(findings.count == 1)
        #expect(finding.kind == .failedString)
        #expect(abs(finding.less - 33.3) < 3)
    }

    @Test func aRepairEndsIt() throws {
        let findings = UnderperformanceWatch.findings(
            in: year { day, charger, _ in charger == 1 && (100..<160).contains(day) ? 0.8 : 1 })
        let finding = try #require(findings.first)
        #expect(finding.since == first + 100)
        #expect(abs((finding.until ?? first) - (first + 159)) <= 2)
        // It came back: the others have not fallen behind.
        #expect(findings.count == 1)
    }

    @Test func ageIsToldInPercentAYear() throws {
        let findings = UnderperformanceWatch.findings(
            in: year(days: 800) { day, charger, _ in charger == 0 ? exp(-0.03 * Double(day) / 365) : 1 })
        #expect(!findings.contains { $0.kind.isAlarm })
        let age = try #require(findings.first { $0.kind == .degradation })
        #expect(age.device == "HQ0")
        #expect(abs(age.less - 3) < 0.8)
    }

    @Test func ofTwoTheOneThatFellIsNamed() throws {
        let findings = UnderperformanceWatch.findings(
            in: year(chargers: 2) { day, charger, _ in charger == 0 && day >= 90 ? 0.7 : 1 })
        #expect(findings.map(\.device) == ["HQ0"])
        #expect((findings.first?.confidence ?? 1) <= 0.6)
    }
}

@Suite struct PeriodTests {
    @Test func daysAddUp() {
        let first = CivilDate(year: 2026, month: 6, day: 1)
        let days = [
            DayFigures(
                day: first, device: "HQ1",
                values: [
                    "yield": 2, "panel_power.max": 300, "panel_power.max_at": 5, "panel_power.mean": 100,
                    "panel_power.known": 100,
                ]),
            DayFigures(
                day: first + 1, device: "HQ1",
                values: [
                    "yield": 4, "panel_power.max": 200, "panel_power.max_at": 9, "panel_power.mean": 40,
                    "panel_power.known": 300,
                ]),
        ]
        let period = PeriodStatistics(first...first + 6, days)
        #expect(period.knownDays == 2)
        let figures = period.figures[0]
        #expect(figures["yield"] == 6)
        #expect(figures["panel_power.max"] == 300)
        #expect(figures["panel_power.max_at"] == 5)
        #expect(figures["panel_power.mean"] == 55)
        #expect(period.dailyYields["HQ1"]?.median == 3)
    }

    @Test func todayIsNoDayToAverage() {
        let first = CivilDate(year: 2026, month: 6, day: 1)
        let days = [4.0, 5, 0.1].enumerated().map { index, yield in
            DayFigures(day: first + index, device: "plant", values: ["yield": yield])
        }
        let period = PeriodStatistics(first...first + 2, days, unfinished: first + 2)
        #expect(period.dailyYields["plant"]?.count == 2)
        #expect(period.dailyYields["plant"]?.mean == 4.5)
        #expect(period.dailyYields["plant"]?.minimum == 4)
        #expect(abs((period.figures.first?["yield"] ?? 0) - 9.1) < 1e-9)
        #expect(period.knownDays == 3)
        // A day alone that is not over has no distribution.
        #expect(PeriodStatistics(first...first, [days[0]], unfinished: first).dailyYields.isEmpty)
    }

    @Test(arguments: [(1.0, 99), (0.999, 99), (0.99, 99), (0.989, 98), (0.6, 60), (0, 0), (.nan, 0), (.infinity, 0)])
    func nothingIsCertain(confidence: Double, percent: Int) {
        let day = CivilDate(year: 2026, month: 6, day: 1)
        let finding = Underperformance(
            device: "HQ1", kind: .loss, since: day, noticed: day + 5, until: nil, less: 32, confidence: confidence)
        #expect(finding.certaintyPercent == percent)
        #expect(
            finding.sentence
                == "HQ1 gives 32 % less since 2026-06-01 (\(percent == 99 ? "more than 99" : "\(percent)") % certain)")
    }
}
