import Glibc
import Testing

@testable import History

@Suite struct CivilTimeTests {
    @Test func datesAreThoseOfTheCalendar() {
        #expect(CivilDate(year: 1970, month: 1, day: 1).number == 0)
        #expect(CivilDate("2026-11-23")?.weekday == 1)
        #expect("\(CivilDate(year: 2028, month: 2, day: 29))" == "2028-02-29")
        #expect(CivilDate("2026-02-29") == nil)
        #expect(CivilDate("26-1-1") == nil)
        for number in stride(from: -800_000, to: 800_000, by: 997) {
            let date = CivilDate(number: number)
            let parts = date.components
            #expect(CivilDate(year: parts.year, month: parts.month, day: parts.day) == date)
        }
    }

    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
    ])
    func daysFollowEachOther(name: String) throws {
        let zone = try #require(TimeZoneRules(named: name))
        // Days of 23, 24 and 25 hours (or half an hour less or more) add up to the years.
        var day = CivilDate(year: 2000, month: 1, day: 1)
        let last = CivilDate(year: 2060, month: 1, day: 1)
        while day < last {
            let start = zone.start(of: day)
            let length = zone.start(of: day + 1) - start
            let isGood =
                zone.date(at: Double(start)) == day && zone.date(at: Double(start) - 1) == day - 1
                && (22 * 3600...26 * 3600).contains(length)
            if !isGood { Issue.record("\(name) \(day)") }
            day = day + 1
        }
    }

    @Test func theClocksChangeInBerlin() {
        let spring = CivilDate(year: 2026, month: 3, day: 29)
        let autumn = CivilDate(year: 2026, month: 10, day: 25)
        #expect(berlin.start(of: spring + 1) - berlin.start(of: spring) == 23 * 3600)
        #expect(berlin.start(of: autumn + 1) - berlin.start(of: autumn) == 25 * 3600)
        // Beyond the table the rule at the end of the file goes on.
        let later = CivilDate(year: 2089, month: 3, day: 27)
        #expect(berlin.start(of: later + 1) - berlin.start(of: later) == 23 * 3600)
        #expect(berlin.text(of: june) == "2026-06-01T10:00:00+02:00")
    }

    @Test func aDayMayBeginAfterMidnight() throws {
        // Chile and Lebanon change at midnight: that day begins at one o'clock.
        let zone = try #require(TimeZoneRules(named: "America/Santiago"))
        var found = 0
        for number in CivilDate(year: 2019, month: 1, day: 1).number..<CivilDate(year: 2023, month: 1, day: 1).number {
            let start = zone.start(of: CivilDate(number: number))
            if zone.clockText(of: Double(start)) == "01:00:00" { found += 1 }
        }
        #expect(found == 4)
    }

    @Test func rulesAreRead() throws {
        let rule = try #require(YearlyRule("EST5EDT,M3.2.0,M11.1.0"))
        let zone = TimeZoneRules(name: "rule", transitions: [], offsets: [rule.standard], rule: rule)
        let table = try #require(TimeZoneRules(named: "America/New_York"))
        for number in CivilDate(year: 2026, month: 1, day: 1).number..<CivilDate(year: 2030, month: 1, day: 1).number {
            #expect(zone.start(of: CivilDate(number: number)) == table.start(of: CivilDate(number: number)))
        }
        #expect(YearlyRule("<+0545>-5:45")?.standard == 20_700)
        #expect(YearlyRule("nonsense") == nil)
        #expect(TimeZoneRules(named: "../../etc/passwd") == nil)
        #expect(TimeZoneRules(name: "broken", bytes: Array("TZif2".utf8)) == nil)
    }
}

@Suite struct SessionClockTests {
    @Test func aClockThatIsNotSetWaits() {
        var clock = SessionClock()
        #expect(clock.observe(wall: 100, monotonic: 10, isSynchronised: false) == .none)
        #expect(clock.time(at: 10) == nil)
        #expect(clock.observe(wall: june, monotonic: 100, isSynchronised: true) == .dated)
        // What was measured before the clock was set has its time now.
        #expect(clock.time(at: 10) == june - 90)
    }

    @Test func theNetworkCorrectsAWrongStart() {
        var clock = SessionClock()
        #expect(clock.observe(wall: june - 86_400, monotonic: 10, isSynchronised: false) == .dated)
        #expect(clock.observe(wall: june, monotonic: 20, isSynchronised: true) == .moved(by: 86_390, redates: true))
        #expect(clock.isProven)
    }

    @Test func aGoodClockThatJumpsIsNotFollowed() {
        var clock = SessionClock()
        _ = clock.observe(wall: june, monotonic: 0, isSynchronised: true)
        let year = 365 * 86_400.0
        #expect(clock.observe(wall: june + 10 + year, monotonic: 10, isSynchronised: false) == .held(by: year))
        #expect(clock.observe(wall: june + 3600 + year, monotonic: 3600, isSynchronised: false) == .none)
        #expect(clock.time(at: 3600) == june + 3600)
        #expect(clock.observe(wall: june + 7200, monotonic: 7200, isSynchronised: false) == .released)
        #expect(clock.time(at: 7200) == june + 7200)
    }

    @Test func aJumpThatStaysIsBelievedInTheEnd() {
        var clock = SessionClock()
        _ = clock.observe(wall: june, monotonic: 0, isSynchronised: true)
        _ = clock.observe(wall: june + 90_000, monotonic: 10, isSynchronised: true)
        #expect(clock.observe(wall: june + 90_000 + 800, monotonic: 810, isSynchronised: true) == .none)
        #expect(
            clock.observe(wall: june + 90_990, monotonic: 1000, isSynchronised: true)
                == .moved(by: 89_990, redates: false))
    }

    @Test func slewingIsFollowed() {
        var clock = SessionClock()
        for step in 0..<1000 {
            let monotonic = Double(step) * 10
            let event = clock.observe(wall: june + monotonic * 1.0005, monotonic: monotonic, isSynchronised: nil)
            #expect(event == (step == 0 ? .dated : .none))
        }
        #expect(abs((clock.time(at: 9990) ?? 0) - (june + 9990 * 1.0005)) < 0.01)
    }

    @Test func theBusKnowsTheTime() {
        var clock = SessionClock()
        _ = clock.observe(wall: 50, monotonic: 50, isSynchronised: false)
        #expect(clock.observe(busTime: june, monotonic: 60, isCalibrated: false) == .dated)
        #expect(clock.time(at: 60) == june)
        // The system's clock is still where it was, and still wrong.
        #expect(clock.observe(wall: 70, monotonic: 70, isSynchronised: false) == .none)
        #expect(clock.time(at: 70) == june + 10)
        // The network's word is worth more.
        #expect(clock.observe(wall: june + 700, monotonic: 100, isSynchronised: true) == .moved(by: 660, redates: true))
        #expect(clock.observe(busTime: june, monotonic: 110, isCalibrated: true) == .none)
    }

    @Test func aClockOfWhichNothingIsKnownIsNoBetterThanTheSystems() {
        // A restart without a battery: the clock goes on where it was when the machine stopped, eight hours ago.
        var clock = SessionClock()
        #expect(clock.observe(wall: june, monotonic: 50, isSynchronised: false) == .dated)
        #expect(clock.observe(busTime: june + 28_800, monotonic: 60, isCalibrated: false) == .none)
        #expect(
            clock.observe(busTime: june + 28_800, monotonic: 60, isCalibrated: true)
                == .moved(by: 28_790, redates: true))
        // It is not followed back, and the bus's own seconds are not followed either.
        #expect(clock.observe(wall: june + 20, monotonic: 70, isSynchronised: false) == .none)
        #expect(clock.observe(busTime: june + 28_840, monotonic: 100, isCalibrated: true) == .none)
        #expect(clock.time(at: 100) == june + 28_840)
        // Somebody sets the system's clock.
        #expect(
            clock.observe(wall: june + 29_000, monotonic: 200, isSynchronised: false)
                == .moved(by: 60, redates: true))
    }
}
