import Foundation
import GRDB
import Glibc
import Testing

@testable import History

/// A history whose rows hold what vebridge does not write, but that SQLite finds sound.
@Suite struct DamagedRowTests {
    /// Twenty minutes before midnight.
    private static let ahead = june + 14 * 3600 - 1200
    private let scratch: ScratchDirectory
    private let notices = Notices()

    init() throws {
        scratch = try ScratchDirectory()
        let recorder = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { _ in }
        // Over a midnight, so that there are figures, minutes and a closed day.
        recorder.feed(from: 0, minutes: 30, wallAhead: Self.ahead)
        recorder.record(
            [(13, 1.0), (12, 4.0)].compactMap { ChargerRecordTests.record($0.0, yield: $0.1) }, of: "HQ1",
            isProducing: true, monotonic: 1800)
        recorder.feed(from: 1800, minutes: 15, wallAhead: Self.ahead)
        recorder.close(monotonic: 2700)
    }

    private func change(_ statements: [String]) throws {
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.writeWithoutTransaction { db in
            for statement in statements { try db.execute(sql: statement) }
        }
        try queue.close()
    }

    /// All that the commands and the page ask for; the number of rows that were left out.
    @discardableResult
    static func readAll(_ path: String, zone: TimeZoneRules? = nil) throws -> DamagedRows {
        let store = try HistoryStore.read(at: path, zone: zone)
        defer { store.close() }
        let today = berlin.date(at: june) + 1
        for figures in try store.figures(from: CivilDate(number: 0), to: today + 40_000) {
            for value in figures.values.values { #expect(value.isFinite) }
        }
        _ = try store.figures(of: today)
        _ = try store.findings(upTo: today)
        _ = try store.days()
        for series in try store.series() {
            _ = try store.chart(series, from: june - 86_400, to: june + 2 * 86_400)
            _ = try store.median(of: series, from: today - 2, to: today)
        }
        for format in ExchangeFormat.allCases { try store.export(as: format) { _ in } }
        _ = try store.size()
        try store.findDamagedRows(blocks: true)
        return store.damagedRows
    }

    /// A daemon that takes the file over and goes on; what it said.
    private func record() -> HistoryRecorder {
        let notices = notices
        let recorder = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { notices.add($0) }
        recorder.feed(from: 20_000, minutes: 5, wallAhead: Self.ahead)
        _ = recorder.today(monotonic: 20_300)
        recorder.close(monotonic: 20_400)
        return recorder
    }

    static let kinds: [(name: String, table: String, statements: [String])] = [
        ("text for decimals", "series", ["UPDATE series SET decimals = 'abc'"]),
        (
            "a blob for a device", "series",
            ["UPDATE series SET device = CAST(id AS BLOB)"]
        ),
        ("a huge series", "series", ["UPDATE series SET id = id + 9223372036854775000"]),
        ("text for a value", "figures", ["UPDATE figures SET value = 'abc'"]),
        ("an infinite value", "figures", ["UPDATE figures SET value = 9e999"]),
        ("a huge value", "figures", ["UPDATE figures SET value = -9e300"]),
        (
            "a huge day", "figures",
            ["INSERT INTO figures SELECT 9223372036854775807, device, figure, value FROM figures LIMIT 9"]
        ),
        (
            "a day long ago", "figures",
            ["INSERT INTO figures SELECT -9223372036854775808, device, figure, value FROM figures LIMIT 9"]
        ),
        ("text for a day", "figures", ["INSERT INTO figures VALUES ('abc', 1, 'yield', 1.0)"]),
        ("half a day", "figures", ["INSERT INTO figures VALUES (20000.5, 1, 'yield', 1.0)"]),
        ("a blob for a figure", "figures", ["INSERT INTO figures VALUES (20000, 1, x'fffe', 1.0)"]),
        ("a long name", "figures", ["INSERT INTO figures VALUES (20000, 1, hex(zeroblob(1000)), 1.0)"]),
        ("text for a block", "samples", ["UPDATE samples SET block = 'hello'"]),
        ("no block", "samples", ["UPDATE samples SET block = x''"]),
        (
            "a huge block", "samples",
            ["UPDATE samples SET block = zeroblob(9000000) WHERE id IN (SELECT id FROM samples LIMIT 2)"]
        ),
        ("a minute without slots", "minutes", ["UPDATE minutes SET block = x'ffffffffffffffffffffff'"]),
        ("a huge minute", "samples", ["INSERT INTO samples VALUES (9223372036854775807, x'00')"]),
        ("a minute long ago", "samples", ["INSERT INTO samples VALUES (-9223372036854775808, x'00')"]),
        ("a huge row of minutes", "minutes", ["INSERT INTO minutes VALUES (9223372036854775807, x'00')"]),
        ("text for a boot", "boots", ["UPDATE boots SET clock_offset = 'x', proven = 'y', first_minute = 'z'"]),
        ("a huge boot", "boots", ["UPDATE boots SET clock_offset = 9e300, first_minute = 9223372036854775807"]),
        ("a huge boot number", "boots", ["UPDATE boots SET id = 9223372036854775807"]),
        ("text for what is done", "meta", ["UPDATE meta SET value = 'abc'"]),
        ("what is done is huge", "meta", ["UPDATE meta SET value = 9223372036854775807"]),
        ("what is done is long ago", "meta", ["UPDATE meta SET value = -9223372036854775808"]),
        ("a blob for the zone", "meta", ["INSERT OR REPLACE INTO meta VALUES ('zone', x'fffe')"]),
        (
            "huge things to do", "stale",
            ["INSERT INTO stale VALUES (0, 9223372036854775807), (1, -9223372036854775808)"]
        ),
        ("a huge record", "charger_days", ["UPDATE charger_days SET sequence = 9223372036854775807, yield = 9e999"]),
        (
            "text in a record", "charger_days",
            ["UPDATE charger_days SET day = 'abc' WHERE day = (SELECT min(day) FROM charger_days)"]
        ),
        ("a blob for a name", "devices", ["INSERT INTO devices VALUES (99, x'ff')"]),
        ("a huge device", "devices", ["UPDATE devices SET id = 9223372036854775807 WHERE name = 'HQ1'"]),
    ]

    @Test(arguments: kinds.map(\.name))
    func isLeftOutAndCounted(name: String) throws {
        let kind = try #require(Self.kinds.first { $0.name == name })
        try change(kind.statements)
        let damage = try Self.readAll(scratch.database, zone: berlin)
        #expect(damage.rows[kind.table] ?? 0 > 0, "\(damage)")
        let recorder = record()
        #expect(recorder.status.trouble == nil)
        #expect(!scratch.files.contains { $0.contains(".damaged-") }, "\(notices.texts)")
        // Said once where it is seen at the start; a packed block is seen when it is read, and the zone that was kept is
        // read by commands only.
        #expect(notices.texts.count { $0.contains("damaged row") } <= 1, "\(notices.texts)")
        let isReadAtStart = !["samples", "minutes"].contains(kind.table) && name != "a blob for the zone"
        if isReadAtStart || name.contains("minute") && name != "a minute without slots" {
            #expect(notices.contains("left out"), "\(notices.texts)")
        }
        let store = try HistoryStore.read(at: scratch.database, zone: berlin)
        // What is recorded from now on is read again.
        let now = Self.ahead + 20_240
        let series = try #require(try store.series().first { $0.device == "HQ1" && $0.quantity == .panelPower })
        let points = try store.chart(series, from: now - 120, to: now)
        #expect(points.last?.mean == 120)
    }

    /// Blocks with a check that holds, which only somebody who means it can write.
    @Test func packedNumbersBeyondAllBoundsAreRefused() {
        func packed(_ add: (inout Packer) -> Void) -> [UInt8] {
            var packer = Packer()
            add(&packer)
            packer.seal()
            return packer.bytes
        }
        func isGood(_ bytes: [UInt8]) -> Bool {
            bytes.withUnsafeBytes { bytes in MinuteBlock.forEachRun(packed: bytes) { _, _, _, _ in } }
        }
        for value in [Int64.max, .min, .max - 1, 2_000_000_000_000_000] {
            let run = packed {
                for number in [1, 1, 2, 2, 0, 5] { $0.add(number) }
                $0.addSigned(value)
                $0.add(1)
                $0.addSigned(value)
            }
            #expect(!isGood(run))
            let slots = packed {
                for number in [1, 60, 2] { $0.add(number) }
                for _ in 0..<5 { $0.addSigned(value) }
                $0.add(59 << 2)
            }
            #expect(slots.withUnsafeBytes { SlotBlock.unpacked($0, full: 600) } == nil)
            let still = packed {
                for number in [1, 60, 30 << 2 | 1] { $0.add(number) }
                $0.addSigned(value << 4)
                $0.add(30 << 2 | 1)
                $0.addSigned(value)
            }
            #expect(
                still.withUnsafeBytes { SlotBlock.unpacked($0, full: 600) } == nil || value == 2_000_000_000_000_000)
        }
        // More series, samples and time than there can be; series 0.
        #expect(!isGood(packed { for number in [1, 5000] { $0.add(number) } }))
        #expect(!isGood(packed { for number in [1, 1, 2, 601, 0] { $0.add(number) } }))
        #expect(!isGood(packed { for number in [1, 1, 2, 3, 500, 99, 4, 0] { $0.add(number) } }))
        #expect(!isGood(packed { for number in [1, 1, 0, 1, 5, 4] { $0.add(number) } }))
        #expect(isGood(packed { for number in [1, 1, 2, 1, 5, 4] { $0.add(number) } }))
    }

    @Test(arguments: 1...8) func flippedBitsDoNotTrap(seed: UInt64) throws {
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.writeWithoutTransaction { _ = try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch.database)))
        var random = SeededRandom(state: seed)
        for round in 0..<16 {
            var bad = good
            for _ in 0..<1 << random.next() % 4 {
                bad[Int(random.next() % UInt64(bad.count))] ^= 1 << UInt8(random.next() % 8)
            }
            for name in scratch.files { unlink(scratch.path + "/" + name) }
            try Data(bad).write(to: URL(fileURLWithPath: scratch.database))
            // An error is an answer; a trap ends the tests.
            do { try Self.readAll(scratch.database) } catch is HistoryError {}
            if round % 8 == 0 { #expect(record().status.trouble == nil, "\(notices.texts)") }
        }
    }

    @Test func thousandsOfSeriesTakeNoTime() throws {
        try change([
            """
            WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)
            INSERT INTO series (device, quantity, unit, decimals) SELECT 'd' || i, 'panel_power', 'W', 0 FROM c
            """
        ])
        let store = try HistoryStore.read(at: scratch.database, zone: berlin)
        let today = berlin.date(at: june)
        let figures = try store.figures(from: today - 1000, to: today + 1)
        // Only those of which there is something are looked at one by one.
        let wanted = try store.series(of: figures)
        #expect(Set(wanted.map(\.device)) == ["HQ1"])
        #expect(try store.series().count == Series.limit)
        try store.findDamagedRows()
        #expect(store.damagedRows.rows["series"] ?? 0 > 900)
    }
}

/// What lies where the database should be.
@Suite struct HistoryFileTests {
    private let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory() }

    private func expectRefused(_ kind: String) throws {
        let errors = [
            #expect(throws: HistoryError.self) { _ = try HistoryStore.read(at: scratch.database) },
            #expect(throws: HistoryError.self) { _ = try HistoryStore.open(at: scratch.database, zone: berlin) },
        ]
        for error in errors { #expect(error == .notAFile(path: scratch.database, kind: kind)) }
        let notices = Notices()
        let recorder = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { notices.add($0) }
        recorder.feed(from: 0, minutes: 3, wallAhead: june)
        #expect(notices.texts.count == 1 && notices.contains("is \(kind), not a file"), "\(notices.texts)")
        #expect(recorder.status.waitingMinutes == 3)
    }

    @Test func aFIFOIsRefused() throws {
        #expect(mkfifo(scratch.database, 0o600) == 0)
        try expectRefused("a FIFO")
        unlink(scratch.database)
    }

    @Test func aDirectoryIsRefused() throws {
        #expect(mkdir(scratch.database, 0o700) == 0)
        try expectRefused("a directory")
        rmdir(scratch.database)
    }

    @Test func aDeviceIsRefused() throws {
        #expect(symlink("/dev/zero", scratch.database) == 0)
        try expectRefused("a device")
    }

    @Test func onlyItsOwnerCanReadIt() throws {
        let recorder = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { _ in }
        recorder.feed(from: 0, minutes: 3, wallAhead: june)
        for name in scratch.files {
            var status = stat()
            #expect(stat(scratch.path + "/" + name, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "\(name)")
        }
        #expect(scratch.files.count >= 2)
    }

    @Test func aFileWithoutTablesIsNotDamaged() throws {
        close(creat(scratch.database, 0o600))
        let error = #expect(throws: HistoryError.self) { _ = try HistoryStore.read(at: scratch.database) }
        #expect(error == .empty(path: scratch.database, isDiskFull: false))
        #expect(error?.description.contains("nothing is recorded yet") == true)
        let full = HistoryError.empty(path: "/boat/history.sqlite", isDiskFull: true)
        #expect(full.description == "nothing is recorded yet in /boat/history.sqlite: the disk is full")
    }

    @Test(arguments: [
        "DROP TABLE samples", "DROP TABLE samples; CREATE VIEW samples AS SELECT 1 AS id, 2 AS block",
        "CREATE TRIGGER t BEFORE INSERT ON samples BEGIN SELECT raise(ABORT, 'no'); END",
        "ALTER TABLE charger_days RENAME COLUMN yield TO yeald",
    ])
    func otherTablesAreDamage(statement: String) throws {
        try HistoryStore.open(at: scratch.database, zone: berlin).close()
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.writeWithoutTransaction { try $0.execute(sql: statement) }
        try queue.close()
        for body in [
            { _ = try HistoryStore.read(at: scratch.database) },
            { _ = try HistoryStore.open(at: scratch.database, zone: berlin) },
        ] {
            let error = #expect(throws: HistoryError.self) { try body() }
            guard case .damaged? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        let notices = Notices()
        let recorder = HistoryRecorder(path: scratch.database, zone: berlin, boot: "one") { notices.add($0) }
        recorder.feed(from: 0, minutes: 3, wallAhead: june)
        recorder.close(monotonic: 180)
        #expect(notices.contains("set aside as"))
        #expect(try HistoryStore.read(at: scratch.database).newest() != nil)
    }
}

/// Numbers that are the same in every run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
