import Testing

@testable import History

/// What began before anybody looked is not said to have begun then.
@Suite struct UnseenBeginningTests {
    private static let day = CivilDate(year: 2026, month: 6, day: 1)
    private static let midnight = Double(berlin.start(of: day))

    private static let series = [
        Series(id: 1, device: "HQ1", quantity: .panelPower, unit: "W", decimals: 2),
        Series(id: 2, device: "HQ1", quantity: .chargerVoltage, unit: "V", decimals: 2),
        Series(id: 3, device: "HQ1", quantity: .chargerCurrent, unit: "A", decimals: 3),
        Series(id: 4, device: "shunt", quantity: .batteryVoltage, unit: "V", decimals: 2),
        Series(id: 5, device: "shunt", quantity: .batteryCurrent, unit: "A", decimals: 3),
    ]

    /// A sample every ten seconds from hour to hour: 100 W from 6 to 20 o'clock, a load of 3 A that grows to 12 A for a
    /// minute of every ten, battery at 12.5 V.
    private func fold(_ hours: Range<Double>..., step: Double = 10) -> [String: DayFigures] {
        var fold = DayFold(day: Self.day, zone: berlin, series: Self.series)
        var blocks: [Int: MinuteBlock] = [:]
        for range in hours {
            for time in stride(from: range.lowerBound * 3600, to: range.upperBound * 3600, by: step) {
                let power = time >= 6 * 3600 && time < 20 * 3600 ? 100.0 : 0
                let load = time.truncatingRemainder(dividingBy: 600) < 60 ? 12.0 : 3
                let values = [power, 12.5, power / 12.5, 12.5, power / 12.5 - load]
                let tenths = Int((Self.midnight + time) * 10)
                for (series, value) in zip(Self.series, values) {
                    blocks[tenths / 600, default: MinuteBlock()].add(
                        series: series.id, time: UInt16(tenths % 600), value: series.steps(value) ?? 0)
                }
            }
        }
        for (minute, block) in blocks.sorted(by: { $0.key < $1.key }) {
            #expect(block.packed().withUnsafeBytes { fold.add(minute: minute, packed: $0) })
        }
        return fold.result().figures
    }

    @Test func aDayThatWasSeenWholeHasAllOfIt() {
        let figures = fold(-0.05..<24.05)
        let charger = figures["HQ1"]
        #expect(charger?["production_start"] == Self.midnight + 6 * 3600)
        #expect(charger?["production_stop"] == Self.midnight + 20 * 3600 - 10)
        let plant = figures[DayFigures.plant]
        #expect(plant?["production_start"] == Self.midnight + 6 * 3600)
        // The load is at its height when the sun comes.
        #expect(plant?["met_consumption"] == Self.midnight + 6 * 3600 + 60)
        let battery = figures["shunt"]
        // 3.9 A in the mean, six hours and four.
        #expect(abs((battery?["night_before"] ?? 0) - 6 * 3.9 * 12.5 / 1000) < 0.0015)
        #expect(abs((battery?["night_after"] ?? 0) - 4 * 3.9 * 12.5 / 1000) < 0.001)
        // By day the load alone makes it negative: a minute of every ten.
        #expect(abs((battery?["negative_day"] ?? 0) - 14 * 360) <= 10)
        #expect(abs((battery?["negative_night"] ?? 0) - 10 * 3600) <= 10)
        #expect(abs((battery?["charge_in"] ?? 0) - 14 * (5.0 * 0.9)) < 14 * 4.5 * 0.005)
        #expect(abs((battery?["charge_out"] ?? 0) - (14 * 4.0 * 0.1 + 10 * 3.9)) < 44.6 * 0.005)
    }

    @Test func startedAtMiddayItDoesNotKnowWhenProductionBegan() {
        let figures = fold(12..<24.05)
        for device in ["HQ1", DayFigures.plant] {
            #expect(figures[device]?["production_start"] == nil)
            #expect(figures[device]?["production_stop"] == Self.midnight + 20 * 3600 - 10)
        }
        #expect(figures[DayFigures.plant]?["met_consumption"] == nil)
        #expect(figures["shunt"]?["night_before"] == nil)
        #expect(figures["shunt"]?["night_after"] != nil)
        #expect(figures["HQ1"]?["first_seen"] == Self.midnight + 12 * 3600)
        #expect((figures["HQ1"]?["yield"] ?? 0) > 0.79)
    }

    @Test func whileItProducesItHasNotStopped() {
        let figures = fold(-0.05..<13)
        #expect(figures["HQ1"]?["production_start"] == Self.midnight + 6 * 3600)
        #expect(figures["HQ1"]?["production_stop"] == nil)
        #expect(figures[DayFigures.plant]?["production_stop"] == nil)
        #expect(figures["shunt"]?["night_after"] == nil)
    }

    @Test func anOutageOverTheBeginningHidesIt() {
        let figures = fold(-0.05..<5, 9..<24.05)
        #expect(figures["HQ1"]?["production_start"] == nil)
        #expect(figures[DayFigures.plant]?["met_consumption"] == nil)
        #expect(figures["shunt"]?["night_before"] == nil)
        // One at noon hides neither.
        let noon = fold(-0.05..<11, 13..<24.05)
        #expect(noon["HQ1"]?["production_start"] != nil && noon["HQ1"]?["production_stop"] != nil)
        #expect(noon[DayFigures.plant]?["met_consumption"] != nil)
        #expect(noon["shunt"]?["night_before"] != nil)
    }
}

/// Whose midnights they are is kept with the days.
@Suite struct ZoneTests {
    @Test func theReaderTakesTheDaemonsZone() throws {
        let scratch = try ScratchDirectory()
        let notices = Notices()
        let auckland = try #require(TimeZoneRules(named: "Pacific/Auckland"))
        func run(_ zone: TimeZoneRules, from monotonic: Double) {
            let recorder = HistoryRecorder(path: scratch.database, zone: zone, boot: "one") { notices.add($0) }
            recorder.feed(from: monotonic, minutes: 3, wallAhead: june)
            recorder.close(monotonic: monotonic + 180)
        }
        run(auckland, from: 0)
        #expect(try HistoryStore.read(at: scratch.database).zone.name == "Pacific/Auckland")
        #expect(HistoryStore.keptZone(at: scratch.database)?.name == "Pacific/Auckland")
        #expect(try HistoryStore.read(at: scratch.database, zone: berlin).zone.name == "Europe/Berlin")
        // Eight in the evening there.
        #expect(
            try HistoryStore.read(at: scratch.database).days()?.lowerBound == CivilDate(year: 2026, month: 6, day: 1))
        #expect(notices.texts.isEmpty)
        run(berlin, from: 1000)
        #expect(try HistoryStore.read(at: scratch.database).zone.name == "Europe/Berlin")
        #expect(notices.contains("by Europe/Berlin from now on; those before by Pacific/Auckland"))
    }
}

/// A bus whose clock somebody set once, to some zone.
@Suite struct BusClockTests {
    /// What the bus shows: three hours and a year behind the truth.
    private func shown(_ time: Double) -> (date: CivilDate, seconds: Double) {
        let wrong = time - 365 * 86_400 - 3 * 3600
        let day = Int(wrong / 86_400)
        return (CivilDate(number: day), wrong - Double(day) * 86_400)
    }

    private func newest(_ scratch: ScratchDirectory) throws -> Double? {
        try HistoryStore.read(at: scratch.database, zone: berlin).newest().map { Double($0) * 60 }
    }

    @Test func comparedOnceItTellsTheTimeToAMachineThatHasNone() throws {
        let scratch = try ScratchDirectory()
        let notices = Notices()
        // The network knows the time: what the bus shows is compared with it.
        let first = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { notices.add($0) }
        first.feed(from: 100, minutes: 1, wallAhead: june - 100)
        let bus = shown(june + 60)
        first.observeBus(date: bus.date, seconds: bus.seconds, monotonic: 160)
        first.feed(from: 160, minutes: 2, wallAhead: june - 100)
        first.close(monotonic: 280)
        // A day later, after a power cut, without a network and with a clock that begins at 1970.
        let later = june + 86_400
        let second = HistoryRecorder(path: scratch.database, zone: berlin, boot: "two") { notices.add($0) }
        second.feed(from: 20, minutes: 2, wallAhead: 0, isSynchronised: false)
        #expect(!second.status.isDated)
        let now = shown(later + 140)
        second.observeBus(date: now.date, seconds: now.seconds, monotonic: 140)
        #expect(second.status.isDated)
        second.feed(from: 140, minutes: 5, wallAhead: 0, isSynchronised: false)
        second.close(monotonic: 440)
        #expect(notices.contains("the time is taken from the bus"))
        // What waited has its time, and what followed has not gone back to 1970.
        let newest = try #require(try newest(scratch))
        #expect(abs(newest - (later + 420)) <= 60)
        let store = try HistoryStore.read(at: scratch.database, zone: berlin)
        let series = try #require(try store.series().first { $0.quantity == .panelPower })
        let points = try store.chart(series, from: later, to: later + 600)
        #expect(points.count == 7 || points.count == 8)
    }

    @Test func aClockThatNobodyComparedIsTakenOnlyWhereThereIsNone() throws {
        let scratch = try ScratchDirectory()
        let recorder = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { _ in }
        recorder.feed(from: 100, minutes: 2, wallAhead: june - 100, isSynchronised: nil)
        recorder.observeBus(date: CivilDate(year: 2027, month: 1, day: 1), seconds: 40_000, monotonic: 220)
        recorder.feed(from: 220, minutes: 2, wallAhead: june - 100, isSynchronised: nil)
        recorder.close(monotonic: 340)
        #expect(abs((try newest(scratch) ?? 0) - (june + 180)) <= 60)
    }
}
