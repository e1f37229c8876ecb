import Foundation
import Glibc
import Testing

@testable import History

/// Zone files that are damaged, or that nobody should read.
@Suite struct ZoneFileTests {
    private static func bytes(_ name: String) -> [UInt8] { ZoneFile.read("/usr/share/zoneinfo/" + name) ?? [] }

    /// Every question that the program asks; a trap ends the tests.
    private static func ask(_ zone: TimeZoneRules) {
        for time in [-1e300, -5e9, 0, june, 5e9, 1e12, 1e300, .nan, .infinity] {
            _ = zone.text(of: time)
            _ = zone.start(of: zone.date(at: time))
        }
        for day in [Int.min, -800_000, 0, 20_600, 84_000, .max] { _ = zone.start(of: CivilDate(number: day)) }
    }

    @Test(arguments: ["Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "UTC"])
    func damagedFilesDoNotTrap(name: String) throws {
        let good = Self.bytes(name)
        #expect(TimeZoneRules(name: name, bytes: good) != nil)
        var random = SeededRandom(state: 7)
        func number(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
        var refused = 0
        for round in 0..<1500 {
            var bad = good
            switch round % 5 {
            case 0: for _ in 0..<1 << number(6) { bad[number(bad.count)] ^= 1 << UInt8(number(8)) }
            case 1: bad.removeLast(1 + number(bad.count))
            case 2: bad = Array("TZif2".utf8) + (0..<number(3000)).map { _ in UInt8(number(256)) }
            case 3: for index in 20..<44 { bad[index] = [0, 255, 127, 128, 1][number(5)] }
            default:
                // The second header, where the counts are that are used.
                let header = Data(good.dropFirst(44)).range(of: Data("TZif".utf8))?.lowerBound ?? 0
                let start = good.count > header + 88 ? header + 44 : 0
                for index in start + 20..<start + 44 { bad[index] = [0, 255, 127, 128, 1][number(5)] }
            }
            if let zone = TimeZoneRules(name: "damaged", bytes: bad) { Self.ask(zone) } else { refused += 1 }
        }
        #expect(refused > 900)
    }

    @Test(arguments: [
        "UTC+99:99:99", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J366", "CET-1CEST,J9999999999999999999,J1", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0,M1.1.1",
        "CET-99999999999999999999", "CET-1CEST,M3.5.0/99999999999999999,M10.5.0/3", "CET-1:2:3:4", "CET-", "A1", "<ABC",
        "CET-1CEST,,M10.5.0", "CET-1CEST,M3.5.0/,M10.5.0", "CET-٣",
    ])
    func rulesThatAreNoneAreRefused(text: String) { #expect(YearlyRule(text) == nil) }

    @Test(arguments: [
        "EST5EDT,M3.2.0,M11.1.0", "<-03>3", "CET-1CEST,M3.5.0,M10.5.0/3", "IST-2IDT,M3.4.4/26,M10.5.0",
        "XXX-1YYY,J60,J300",
        "XXX-1YYY,0,365/167", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "UTC0",
    ])
    func rulesAreUsed(text: String) throws {
        let rule = try #require(YearlyRule(text))
        Self.ask(TimeZoneRules(name: "rule", transitions: [], offsets: [rule.standard], rule: rule))
    }

    @Test(arguments: [
        "../../etc/passwd", "/etc/passwd", "Europe/../../../../etc/passwd", "Europe", "Europe/", "/Europe/Berlin", "",
        "Europe//Berlin", "./Europe/Berlin", "Europe/Berlin\0x", "Europe/Berlin ", "Ümlaut", ".", "..",
        String(repeating: "A", count: 5000),
    ])
    func namesThatAreNoneAreRefused(name: String) { #expect(TimeZoneRules(named: name) == nil) }

    @Test func aDamagedZoneOfTheMachineIsSaidAndUTCIsUsed() throws {
        let scratch = try ScratchDirectory()
        let file = scratch.path + "/zone"
        var bad = Self.bytes("Europe/Berlin")
        for index in 20..<44 { bad[index] = 0xFF }
        try Data(bad).write(to: URL(fileURLWithPath: file))
        let fifo = scratch.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        for variable in [":" + file, file, fifo, ":" + scratch.path, "UTC+99", "/dev/zero", "Boat/Cabin"] {
            let zone = LocalZone(variable: variable)
            #expect(zone.rules.name == "UTC")
            #expect(zone.problem == "TZ=\(variable) does not name a readable time zone: UTC is used")
        }
        for local in [file, fifo, scratch.path] {
            let zone = LocalZone(variable: nil, file: local)
            #expect(zone.rules.name == "UTC")
            #expect(zone.problem == "\(local) is not a readable time zone file: UTC is used")
        }
        // None at all is UTC, as ever.
        #expect(LocalZone(variable: nil, file: scratch.path + "/none").problem == nil)
        let good = LocalZone(variable: "Europe/Berlin")
        #expect(good.rules.name == "Europe/Berlin" && good.problem == nil)
        #expect(LocalZone(variable: ":/usr/share/zoneinfo/Europe/Berlin").problem == nil)
    }
}
