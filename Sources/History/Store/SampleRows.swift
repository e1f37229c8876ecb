import Foundation
import GRDB

/// The rows of the tier that holds every sample.
extension HistoryStore {
    /// What is done again because something came late.
    enum Stale: Int {
        case hour = 0
        case utcDay = 1
        case civilDay = 2
    }

    /// Writes a minute, together with what it holds already.
    func write(_ block: MinuteBlock, minute: Int, _ db: Database) throws {
        var block = block
        try forEachMinute(in: minute..<minute + 1, db) { _, bytes in
            guard var whole = MinuteBlock(packed: bytes) else { return false }
            whole.merge(block)
            block = whole
            return true
        }
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO samples (id, block) VALUES (?, ?)")
            .execute(arguments: [minute, Data(block.packed())])
        try markStale(minute: minute, db)
    }

    /// Writes many minutes at once and does what the recorder does after each, for proofs at high speed.
    package func writeMany(
        _ blocks: [(minute: Int, block: MinuteBlock)], retention: HistoryRetention
    ) throws(HistoryError) {
        guard let newest = blocks.map(\.minute).max() else { return }
        try writing { db in
            for (minute, block) in blocks { try write(block, minute: minute, db) }
            try rollUp(newest: newest, budget: 100, db)
            try closeDays(newest: newest, budget: 2, db)
            try forget(newest: newest, retention: retention, db)
        }
    }

    /// Works out a day from its samples whether it is closed or not, for proofs.
    package func foldAgain(_ day: CivilDate) throws(HistoryError) -> [DayFigures] {
        try reading { try figures(closing: day, $0) }
    }

    /// When the newest sample was taken, in seconds since 1970, for proofs.
    package func newestSample() throws(HistoryError) -> Double? {
        try reading { db in
            guard let minute = try newestMinute(db) else { return nil }
            var tenths = 0
            try forEachMinute(in: minute..<minute + 1, db) { _, bytes in
                MinuteBlock.forEachRun(packed: bytes) { _, _, times, _ in
                    tenths = max(tenths, Int(times.last ?? 0))
                }
            }
            return Double(minute) * 60 + Double(tenths) / 10
        }
    }

    /// A series by its names, for proofs.
    package func makeSeries(device: String, quantity: Quantity, unit: String) throws(HistoryError) -> Series? {
        try writing { try series(device: device, quantity: quantity, unit: unit, $0) }
    }

    /// Whatever was made of this minute before must be made again.
    func markStale(minute: Int, _ db: Database) throws {
        func mark(_ kind: Stale, _ number: Int) throws {
            try db.execute(sql: "INSERT OR IGNORE INTO stale VALUES (?, ?)", arguments: [kind.rawValue, number])
        }
        let hour = minute / 60
        if let rolled = try meta("rolled_hour", db), hour <= rolled { try mark(.hour, hour) }
        if let rolled = try meta("rolled_day", db), minute / 1440 <= rolled { try mark(.utcDay, minute / 1440) }
        if let closed = try meta("closed_day", db) {
            let day = zone.date(at: Double(minute) * 60).number
            if day <= closed { try mark(.civilDay, day) }
        }
    }

    /// Hands on the blocks of a range of minutes in their order.
    ///
    /// - Parameter body: returns false for a damaged block.
    func forEachMinute(
        in range: Range<Int>, _ db: Database, _ body: (_ minute: Int, _ block: UnsafeRawBufferPointer) -> Bool
    ) throws {
        let bounds = range.clamped(to: Range(HistoryLimits.minutes))
        try forEachBlock(.samples, in: bounds, db) { minute, bytes in body(minute, bytes) }
    }

    /// Hands on the packed blocks of a table in their order; what is not a block of a bounded length is left out.
    ///
    /// - Parameter body: returns false for a damaged block.
    func forEachBlock(
        _ table: HistoryTable, in ids: Range<Int>, _ db: Database,
        _ body: (_ id: Int, _ block: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        guard !ids.isEmpty else { return }
        let isBlock = "typeof(block) = 'blob' AND length(block) <= \(HistoryLimits.blockLength)"
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, CASE WHEN \(isBlock) THEN block END FROM \(table.rawValue)
                WHERE id >= ? AND id < ? ORDER BY id
                """)
        let rows = try Row.fetchCursor(statement, arguments: [ids.lowerBound, ids.upperBound])
        while let row = try rows.next() {
            guard let id = row.integer(0, ids.lowerBound...ids.upperBound - 1),
                try row.withUnsafeData(
                    atIndex: 1, { data in try data?.withUnsafeBytes { try body(id, $0) } ?? false })
            else {
                damage.add(table, row: row)
                continue
            }
        }
    }

    /// Moves minutes that were written under a wrong clock by so many seconds.
    ///
    /// - Returns: the minutes that were moved.
    @discardableResult
    func shift(minutes range: Range<Int>, by seconds: Double, _ db: Database) throws -> Int {
        var old: [(minute: Int, block: MinuteBlock)] = []
        try forEachMinute(in: range, db) { minute, bytes in
            guard let block = MinuteBlock(packed: bytes) else { return false }
            old.append((minute, block))
            return true
        }
        for (minute, _) in old {
            try markStale(minute: minute, db)
            try db.execute(sql: "DELETE FROM samples WHERE id = ?", arguments: [minute])
        }
        let tenths = Int((min(max(seconds, -1e12), 1e12) * 10).rounded())
        var moved: [Int: MinuteBlock] = [:]
        for (minute, block) in old {
            for run in block.runs {
                for (time, value) in zip(run.times, run.values) {
                    let place = minute * 600 + Int(time) + tenths
                    let target = place >= 0 ? place / 600 : (place - 599) / 600
                    guard HistoryLimits.minutes.contains(target) else { continue }
                    moved[target, default: MinuteBlock()].add(
                        series: run.series, time: UInt16(place - target * 600), value: value, isDerived: run.isDerived)
                }
            }
        }
        for (minute, block) in moved.sorted(by: { $0.key < $1.key }) { try write(block, minute: minute, db) }
        return old.count
    }
}
