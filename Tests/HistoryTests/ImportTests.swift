import Glibc
import Testing

@testable import History

/// Lines that no vebridge exported.
@Suite struct ImportTests {
    private let scratch: ScratchDirectory
    private let store: HistoryStore
    private static let heading = ExchangeRow.columns.joined(separator: ",")

    init() throws {
        scratch = try ScratchDirectory()
        store = try HistoryStore.open(at: scratch.database, zone: berlin)
    }

    /// What was rejected, by line.
    @discardableResult
    private func read(_ lines: [String]) throws -> [Int] {
        var reader = try HistoryImport(into: store)
        var rejected: [Int] = []
        for line in lines {
            do {
                try reader.take(line)
            } catch HistoryError.badLine(let number, _) {
                rejected.append(number)
            }
        }
        try reader.finish()
        return rejected
    }

    private static let good = [
        "sample,2026-06-01T08:00:00Z,HQ1,panel_power,W,86.43,,,,,",
        "minute,2026-06-01T08:00:00Z,HQ1,panel_power,W,5,60,4.5,4,5,",
        "quarter,2026-06-01T08:00:00Z,HQ1,panel_power,W,5,900,4.5,4,5,", "figure,2026-05-31,HQ1,share,,100,,,,,",
        "charger_day,2026-05-31,HQ1,sequence,,12,,,,,", "charger_day,2026-05-31,HQ1,yield,,1.5,,,,,",
        "state,,,closed_day,,20604,,,,,",
    ]

    @Test func hostileFieldsAreRejectedAndTheOthersKept() throws {
        let numbers = [
            "nan", "inf", "-inf", "1e308", "-1e308", "1e999", "abc", "9223372036854775807", "-9223372036854775808",
            "99999999999999999999", "9e18", "1e16",
        ]
        let times =
            numbers + [
                "0000-00-00", "9999-12-31", "2026-02-30", "99999999-01-01", "-1", "2026-06-01T25:61:61Z", "5000-01-01",
                "2026-06-01T00:00:00+99:99", "1900-01-01", "2026-06-01T08:00:nanZ", "",
            ]
        for line in Self.good {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            for (column, values) in [(1, times), (5, numbers), (6, numbers), (7, numbers), (9, numbers)] {
                // What a kind has no use for is not looked at too closely, and kept out all the same.
                for value in values {
                    var bad = fields
                    bad[column] = value
                    let isUsed = !fields[column].isEmpty
                    let rejected = try read([Self.heading, bad.joined(separator: ","), line])
                    if isUsed || value == "nan" && column > 4 { #expect(rejected == [2], "\(bad)") }
                    #expect(!rejected.contains(3))
                }
            }
        }
        try DamagedRowTests.readAll(scratch.database)
        #expect(try HistoryStore.read(at: scratch.database).size().rows["samples"] == 1)
    }

    @Test func changedLinesDoNotTrap() throws {
        var random = SeededRandom(state: 3)
        func number(_ limit: Int) -> Int { Int(random.next() % UInt64(max(1, limit))) }
        let json =
            #"{"kind":"sample","time":"2026-06-01T08:00:00.5Z","device":"HQ1","name":"panel_power","value":12.5}"#
        let point = "vebridge_sample,device=HQ1,name=panel_power,unit=W value=12.5 1780300800500000000"
        let pieces = [
            ",", "\"", "9999999999999999999", "e999", "-", "nan", "\0", "\\", " ", "=", "{", "[", "}", "\\u", "é", ":",
        ]
        for (format, line) in [
            (ExchangeFormat.csv, Self.good[0]), (.csv, Self.good[4]), (.json, json), (.lineProtocol, point),
        ] {
            var reader = try HistoryImport(into: store, format: format)
            if format == .csv { try reader.take(Self.heading) }
            try reader.take(line)
            for _ in 0..<400 {
                var bytes = Array(line.utf8)
                for _ in 0...number(3) {
                    let place = number(bytes.count)
                    switch number(3) {
                    case 0: bytes[place] = UInt8(number(256))
                    case 1: bytes.removeSubrange(place..<min(bytes.count, place + number(12)))
                    default: bytes.insert(contentsOf: Array(pieces[number(pieces.count)].utf8), at: place)
                    }
                    if bytes.isEmpty { bytes = [0x20] }
                }
                do { try reader.take(String(decoding: bytes, as: UTF8.self)) } catch HistoryError.badLine {}
            }
            try reader.finish()
        }
        try DamagedRowTests.readAll(scratch.database)
    }

    @Test func devicesAreBounded() throws {
        let lines = (0..<5000).map { "figure,2026-05-31,D\($0),share,,100,,,,," }
        let rejected = try read([Self.heading] + lines)
        #expect(rejected.count == 5000 - HistoryLimits.devices)
        #expect(rejected.first == HistoryLimits.devices + 2)
        let series = (0..<5000).map { "sample,2026-06-01T08:00:00Z,HQ1,q\($0),W,100,,,,," }
        #expect(try read([Self.heading] + series).count == 5000 - Series.limit)
    }

    @Test func textsOfJSONAreRead() {
        let line =
            #"{"device":"\ud83d\ude00 \b\f\n\r\t\/\\\" é \u00e9","value":-1.5e+3,"unit":"","x":null,"derived":true}"#
        let members = FlatJSON.members(of: line)
        #expect(members?.map(\.0) == ["device", "value", "unit", "derived"])
        #expect(members?.map(\.1) == ["😀 \u{8}\u{C}\n\r\t/\\\" é é", "-1.5e+3", "", "true"])
        for bad in [
            "{", "{}x", "[]", #"{"a":"\ud83d"}"#, #"{"a":"\ude00\ud83d"}"#, #"{"a":"\x"}"#, #"{"a":"\u12"}"#,
            "{\"a\":\"\t\"}",
            #"{"a":01}"#, #"{"a":1.}"#, #"{"a":nan}"#, #"{"a":{}}"#, #"{"a":[1]}"#, #"{"a" 1}"#, #"{"a":1,}"#,
            #"{"a":"b}"#,
            #"{"a":+1}"#, #"{"a":}"#, #"{"a":tru}"#,
        ] { #expect(FlatJSON.members(of: bad) == nil, "\(bad)") }
        #expect(FlatJSON.members(of: " { } ")?.isEmpty == true)
    }

    /// The days are those of the place that was named, without naming it again.
    @Test func theZoneOfAnImportIsKept() throws {
        // Over the end of summer time: the 25th of October has 25 hours.
        let start = Double(CivilDate(year: 2026, month: 10, day: 24).number) * 86_400
        var lines = [Self.heading]
        for minute in stride(from: 0, to: 3 * 1440, by: 4) {
            lines.append("sample,\(ExchangeRow.text(start + Double(minute) * 60)),HQ1,panel_power,W,100,,,,,")
        }
        try read(lines)
        #expect(try store.noteZone() == nil)
        store.close()
        let reader = try HistoryStore.read(at: scratch.database)
        #expect(reader.zone.name == "Europe/Berlin")
        let day = CivilDate(year: 2026, month: 10, day: 25)
        let figures = try reader.figures(from: day - 2, to: day + 30).filter { $0.device == "HQ1" }
        let known = Dictionary(figures.map { ($0.day - day, $0["panel_power.known"] ?? 0) }, uniquingKeysWith: +)
        #expect(abs((known[0] ?? 0) - 25 * 3600) < 1)
        // Whole days are worked out by the import itself, the last one when it is asked for.
        #expect(Set(known.keys) == [-1, 0, 1, 2])
        let closed = try reader.reading { db in try reader.meta("closed_day", db) }
        #expect(closed == (day + 1).number)
    }
}
