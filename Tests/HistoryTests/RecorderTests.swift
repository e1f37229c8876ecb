import GRDB
import Glibc
import Testing

@testable import History

@Suite struct RecorderTests {
    private let scratch: ScratchDirectory
    private let notices = Notices()

    init() throws { scratch = try ScratchDirectory() }

    private func recorder(boot: String = "one") -> HistoryRecorder {
        let notices = notices
        return HistoryRecorder(path: scratch.database, zone: berlin, boot: boot) { notices.add($0) }
    }

    private func store() throws -> HistoryStore { try HistoryStore.read(at: scratch.database, zone: berlin) }

    @Test func whatIsWrittenIsThereAgain() throws {
        let recorder = recorder()
        recorder.feed(from: 100, minutes: 60, wallAhead: june)
        recorder.close(monotonic: 3700)
        let day = berlin.date(at: june)
        let figures = try store().figures(of: day)
        let charger = try #require(figures.first { $0.device == "HQ1" })
        #expect(charger["panel_power.max"] == 120)
        #expect(abs((charger["panel_power.known"] ?? 0) - 3590) < 1)
        #expect(abs((charger["yield"] ?? 0) - 0.01) < 0.006)
        #expect(charger["first_seen"] == june + 100)
        #expect(charger["last_seen"] == june + 3690)
        #expect(notices.texts.isEmpty)
    }

    @Test func todayIsTheSameLiveAndFromTheFile() throws {
        let recorder = recorder()
        recorder.feed(from: 100, minutes: 7, wallAhead: june)
        _ = recorder.today(monotonic: 520)
        recorder.feed(from: 520, minutes: 7, wallAhead: june, power: 300)
        let live = recorder.today(monotonic: 940)
        #expect(live == (try store().figures(of: berlin.date(at: june))))
        #expect(!live.isEmpty)
    }

    @Test func oneTransactionAMinute() throws {
        let recorder = recorder()
        recorder.feed(from: 0, minutes: 30, wallAhead: june)
        // What is younger than the running minute is in memory, all else on the disk.
        let newest = try #require(try store().newest())
        #expect(newest == Int((june + 1799) / 60) - 1)
        #expect(recorder.status.waitingMinutes == 1)
    }

    @Test func aRestartGoesOn() throws {
        var first: HistoryRecorder? = recorder()
        first?.feed(from: 0, minutes: 10, wallAhead: june)
        first = nil
        let second = recorder()
        // The clock of the same machine is good from the first sample.
        #expect(second.status.isClockProven)
        second.feed(from: 640, minutes: 10, wallAhead: june)
        second.close(monotonic: 1300)
        let charger = try #require(try store().figures(of: berlin.date(at: june)).first { $0.device == "HQ1" })
        // The minute that was lost is bridged by what holds.
        #expect(abs((charger["panel_power.known"] ?? 0) - 1230) < 1)
    }

    @Test func samplesWaitForTheClock() throws {
        let recorder = recorder()
        recorder.feed(from: 30, minutes: 3, wallAhead: 0, isSynchronised: false)
        #expect(!recorder.status.isDated)
        recorder.feed(from: 210, minutes: 3, wallAhead: june)
        recorder.close(monotonic: 400)
        let charger = try #require(try store().figures(of: berlin.date(at: june)).first { $0.device == "HQ1" })
        #expect(charger["first_seen"] == june + 30)
        #expect(notices.contains("the clock is set"))
    }

    @Test func whatAWrongClockWroteIsDatedAnew() throws {
        let year = 365 * 86_400.0
        let recorder = recorder()
        recorder.feed(from: 30, minutes: 10, wallAhead: june + year, isSynchronised: false)
        #expect(try store().newest() ?? 0 > Int((june + year) / 60) - 1)
        recorder.feed(from: 630, minutes: 10, wallAhead: june)
        recorder.close(monotonic: 1300)
        let store = try store()
        #expect(try store.newest() == Int((june + 1229) / 60))
        let charger = try #require(try store.figures(of: berlin.date(at: june)).first { $0.device == "HQ1" })
        #expect(charger["first_seen"] == june + 30)
        #expect(abs((charger["panel_power.known"] ?? 0) - 1190) < 1)
        #expect(try store.figures(of: berlin.date(at: june + year)).isEmpty)
    }

    @Test func aWrongBootBeforeThisOneIsGivenUp() throws {
        let first = recorder(boot: "wrong")
        first.feed(from: 30, minutes: 10, wallAhead: june + 5 * 86_400, isSynchronised: false)
        first.close(monotonic: 700)
        let second = recorder(boot: "right")
        second.feed(from: 30, minutes: 10, wallAhead: june)
        second.close(monotonic: 700)
        #expect(try store().newest() == Int((june + 629) / 60))
        #expect(notices.contains("dated in the future"))
    }

    @Test func nonsenseIsLeftOut() throws {
        let recorder = recorder()
        recorder.feed(from: 0, minutes: 2, wallAhead: june)
        for value in [Double.nan, .infinity, 1e300, -1e18] {
            recorder.record([sample(.panelPower, value, "W", at: 119, wall: june + 119)])
        }
        recorder.close(monotonic: 120)
        let charger = try #require(try store().figures(of: berlin.date(at: june)).first { $0.device == "HQ1" })
        #expect(charger["panel_power.max"] == 120)
    }

    @Test func aDeviceThatInventsNamesDoesNoHarm() throws {
        let recorder = recorder()
        for number in 0..<5000 {
            recorder.record([sample(Quantity(rawValue: "q\(number)"), 1, "", at: 1, wall: june + 1)])
        }
        recorder.close(monotonic: 100)
        #expect(try store().series().count == Series.limit)
        #expect(recorder.status.lostSamples == 5000 - Series.limit)
    }

    /// Two days away; the charger remembers them.
    @Test func theChargersOwnRecordsFillTheGap() throws {
        let day = berlin.date(at: june)
        func feed(_ recorder: HistoryRecorder, from: Double, minutes: Int, counter: Double, ahead: Double) {
            for step in 0..<minutes * 6 {
                let now = from + Double(step) * 10
                recorder.tick(wall: now + ahead, monotonic: now, isSynchronised: true)
                recorder.record([
                    sample(.panelPower, 1.5, "W", at: now, wall: now + ahead),
                    sample(.systemYield, counter, "kWh", at: now, wall: now + ahead),
                ])
            }
        }
        let first = recorder()
        feed(first, from: 0, minutes: 30, counter: 100, ahead: june)
        first.close(monotonic: 1800)
        let second = recorder(boot: "two")
        let ahead = june + 3 * 86_400
        feed(second, from: 0, minutes: 5, counter: 109, ahead: ahead)
        // Today 1, yesterday 4, the day before 3, the day of the outage 1.5 and before it 2.
        let records = [(13, 1.0), (12, 4.0), (11, 3.0), (10, 1.5), (9, 2.0)].compactMap {
            ChargerRecordTests.record($0.0, yield: $0.1)
        }
        second.record(records, of: "HQ1", isProducing: true, monotonic: 300)
        feed(second, from: 300, minutes: 5, counter: 109, ahead: ahead)
        second.close(monotonic: 700)
        let all = try store().figures(from: day - 1, to: day + 3).filter { $0.device == "HQ1" }
        let yields = Dictionary(all.map { ($0.day - day, $0["yield"] ?? 0) }, uniquingKeysWith: { first, _ in first })
        let sources = Dictionary(
            all.map { ($0.day - day, $0["yield_source"]) }, uniquingKeysWith: { first, _ in first })
        #expect(abs((yields[-1] ?? 0) - 2) < 0.001)
        #expect(abs((yields[0] ?? 0) - 1.42) < 0.1)
        #expect(abs((yields[1] ?? 0) - 2.84) < 0.2)
        #expect(abs((yields[2] ?? 0) - 3.79) < 0.25)
        #expect(abs((yields[0] ?? 0) + (yields[1] ?? 0) + (yields[2] ?? 0) + (yields[3] ?? 0) - 9) < 0.02)
        for day in -1...2 { #expect(sources[day] == YieldSource.chargerRecord.rawValue) }
    }
}

@Suite struct DamageTests {
    private let scratch: ScratchDirectory
    private let notices = Notices()

    init() throws { scratch = try ScratchDirectory() }

    private func recorder() -> HistoryRecorder {
        let notices = notices
        return HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { notices.add($0) }
    }

    private func bytes() -> [UInt8] {
        guard let file = fopen(scratch.database, "r") else { return [] }
        defer { fclose(file) }
        var all = [UInt8](repeating: 0, count: 4 << 20)
        let count = fread(&all, 1, all.count, file)
        return Array(all[..<count])
    }

    private func write(_ bytes: [UInt8]) {
        unlink(scratch.database + "-wal")
        unlink(scratch.database + "-shm")
        guard let file = fopen(scratch.database, "w") else { return }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    private func prepare() {
        let recorder = recorder()
        recorder.feed(from: 0, minutes: 120, wallAhead: june)
        recorder.close(monotonic: 7200)
    }

    private func goesOn() throws {
        let recorder = recorder()
        recorder.feed(from: 7300, minutes: 5, wallAhead: june)
        recorder.close(monotonic: 7700)
        #expect(recorder.status.trouble == nil)
        #expect(try HistoryStore.read(at: scratch.database, zone: berlin).newest() == Int((june + 7599) / 60))
    }

    @Test(arguments: [0, 100, 4096, 5000, 9000])
    func aCutFileIsSetAside(length: Int) throws {
        prepare()
        let good = bytes()
        write(Array(good[..<min(length, good.count - 1)]))
        try goesOn()
        // Nothing at all is a new database; anything else is kept for whoever wants to look at it.
        guard length > 0 else { return }
        let aside = try #require(scratch.files.first { $0.contains(".damaged-") })
        #expect(notices.contains(aside))
    }

    @Test func flippedBitsNeitherStopNorLie() throws {
        prepare()
        let good = bytes()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<12 {
            var bad = good
            for _ in 0..<3 {
                bad[.random(in: 0..<bad.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            write(bad)
            try goesOn()
            let store = try HistoryStore.read(at: scratch.database, zone: berlin)
            for figures in try store.figures(of: berlin.date(at: june)) {
                if let power = figures["panel_power.max"] { #expect(power == 120) }
            }
        }
    }

    @Test func anotherFileIsSetAside() throws {
        write(Array("this is no database, but somebody's letter to his bank\n".utf8))
        try goesOn()
        #expect(notices.contains(".damaged-"))
    }

    @Test func aLaterVersionsFileIsLeftAlone() throws {
        prepare()
        let store = try HistoryStore.open(at: scratch.database, zone: berlin)
        try store.writing { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')") }
        store.close()
        let recorder = recorder()
        recorder.feed(from: 7300, minutes: 5, wallAhead: june)
        #expect(notices.contains("later version"))
        #expect(recorder.status.waitingMinutes >= 5)
        #expect(!scratch.files.contains { $0.contains(".damaged-") })
    }

    @Test func aDirectoryThatIsNotThereIsSaidOnce() {
        let notices = notices
        let recorder = HistoryRecorder(path: scratch.path + "/no/history.sqlite", zone: berlin, boot: "one") {
            notices.add($0)
        }
        recorder.feed(from: 0, minutes: 30, wallAhead: june)
        #expect(notices.texts.count == 1)
        #expect(recorder.status.trouble != nil)
        // The figures are there all the same.
        #expect(recorder.today(monotonic: 1800).first { $0.device == "HQ1" }?["panel_power.max"] == 120)
    }

    @Test func aBacklogIsBounded() {
        let recorder = HistoryRecorder(path: scratch.path + "/no/history.sqlite", zone: berlin, boot: "one") { _ in }
        for minute in 0..<1600 {
            let now = Double(minute) * 60
            recorder.tick(wall: june + now, monotonic: now, isSynchronised: true)
            recorder.record([sample(.panelPower, 5, "W", at: now, wall: june + now)])
        }
        #expect(recorder.status.waitingMinutes <= HistoryRecorder.backlogLimit + 1)
        #expect(recorder.status.lostSamples == 1599 - HistoryRecorder.backlogLimit)
    }
}
