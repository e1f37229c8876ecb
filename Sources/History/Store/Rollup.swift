import Foundation
import GRDB

/// Samples into minutes, minutes into quarters of an hour.
extension HistoryStore {
    /// A row's number: the hour (or UTC day) and the series.
    static func rowID(_ unit: Int, series: Int) -> Int { unit << 16 | series }

    /// The numbers of all rows of a range of hours or UTC days.
    static func rowIDs(_ units: ClosedRange<Int>) -> ClosedRange<Int> {
        rowID(units.lowerBound, series: 0)...rowID(units.upperBound, series: 0xFFFF)
    }

    /// Does what is due of the tiers, a little at a time.
    ///
    /// - Parameters:
    ///   - newest: the newest minute that is written.
    ///   - budget: how many hours or days are done at most.
    /// - Returns: whether all is done.
    @discardableResult
    func rollUp(newest: Int, budget: Int, _ db: Database) throws -> Bool {
        var left = budget
        // What holds from one hour into the next must have come.
        let due = (newest - Int(Self.longestHold / 60)) / 60 - 1
        var rolled = try meta("rolled_hour", db) ?? Int.min
        while rolled < due {
            let after = try oldestMinute(from: rolled == .min ? 0 : (rolled + 1) * 60, db)
            let next = min(max((after ?? newest) / 60, rolled == .min ? 0 : rolled + 1), due)
            if (after ?? newest) / 60 <= due {
                guard left > 0 else { return false }
                left -= 1
                try rollHour(next, db)
            }
            rolled = next
            try setMeta("rolled_hour", rolled, db)
        }
        for hour in try stale(.hour, db) {
            guard left > 0 else { return false }
            left -= 1
            try rollHour(hour, db)
            try done(.hour, hour, db)
        }
        let dueDay = (due + 1) / 24 - 1
        var rolledDay = try meta("rolled_day", db) ?? Int.min
        while rolledDay < dueDay {
            let ids = Self.rowIDs(HistoryLimits.hours)
            let after = try db.integer(
                ids, sql: "SELECT min(id) FROM minutes WHERE id BETWEEN ? AND ?",
                arguments: [rolledDay == .min ? 0 : Self.rowID((rolledDay + 1) * 24, series: 0), ids.upperBound])
            let found = (after ?? Self.rowID(dueDay * 24, series: 0)) >> 16 / 24
            let next = min(max(found, rolledDay == .min ? 0 : rolledDay + 1), dueDay)
            if after != nil, found <= dueDay {
                guard left > 0 else { return false }
                left -= 4
                try rollDay(next, db)
            }
            rolledDay = next
            try setMeta("rolled_day", rolledDay, db)
        }
        for day in try stale(.utcDay, db) {
            guard left > 0 else { return false }
            left -= 4
            try rollDay(day, db)
            try done(.utcDay, day, db)
        }
        return true
    }

    func stale(_ kind: Stale, _ db: Database) throws -> [Int] {
        let range = kind == .hour ? HistoryLimits.hours : kind == .utcDay ? HistoryLimits.utcDays : HistoryLimits.days
        return try Row.fetchAll(
            db, sql: "SELECT number FROM stale WHERE kind = ? AND number BETWEEN ? AND ? ORDER BY number LIMIT 10000",
            arguments: [kind.rawValue, range.lowerBound, range.upperBound]
        ).compactMap { $0.integer(0, range) }
    }

    func done(_ kind: Stale, _ number: Int, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM stale WHERE kind = ? AND number = ?", arguments: [kind.rawValue, number])
    }

    /// The minutes of an hour from its samples. Without samples, which may be gone by age, nothing is changed.
    private func rollHour(_ hour: Int, _ db: Database) throws {
        let range = hour * 60..<hour * 60 + 60
        let hold = Int(Self.longestHold / 60)
        let meters = try meters(over: range, reading: range.lowerBound - hold..<range.upperBound + hold, db)
        for (id, meter) in meters.sorted(by: { $0.key < $1.key }) {
            let slots = meter.slots()
            guard slots.contains(where: { $0 != nil }) else { continue }
            try db.execute(
                sql: "INSERT OR REPLACE INTO minutes (id, block) VALUES (?, ?)",
                arguments: [Self.rowID(hour, series: id), Data(SlotBlock.packed(slots, full: 600))])
        }
    }

    /// What the series did in a range of minutes, by samples.
    func meters(over range: Range<Int>, reading: Range<Int>, _ db: Database) throws -> [Int: SeriesMeter] {
        let series = Dictionary(try allSeries(db).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var meters: [Int: SeriesMeter] = [:]
        try forEachMinute(in: reading, db) { minute, bytes in
            MinuteBlock.forEachRun(packed: bytes) { id, _, times, values in
                guard let series = series[id] else { return }
                meters[id, default: SeriesMeter(series, range: range, longestHold: Self.longestHold)]
                    .add(minute: minute, times: times, values: values)
            }
        }
        return meters
    }

    /// The quarters of a UTC day from its minutes.
    private func rollDay(_ day: Int, _ db: Database) throws {
        var quarters: [Int: [Slot?]] = [:]
        let ids = Self.rowID(day * 24, series: 0)..<Self.rowID(day * 24 + 24, series: 0)
        try forEachSlotRow(.minutes, in: ids, full: 600, db) { id, slots in
            let first = (id >> 16 - day * 24) * 4
            for quarter in 0..<4 {
                for slot in slots[quarter * 15..<quarter * 15 + 15] {
                    guard let slot else { continue }
                    var day = quarters.removeValue(forKey: id & 0xFFFF) ?? [Slot?](repeating: nil, count: 96)
                    day[first + quarter] = day[first + quarter]?.joined(slot) ?? slot
                    quarters[id & 0xFFFF] = day
                }
            }
        }
        for (id, slots) in quarters.sorted(by: { $0.key < $1.key }) {
            try db.execute(
                sql: "INSERT OR REPLACE INTO quarters (id, block) VALUES (?, ?)",
                arguments: [Self.rowID(day, series: id), Data(SlotBlock.packed(slots, full: 9000))])
        }
    }

    /// Hands on the slots of the rows of minutes or quarters in their order.
    ///
    /// - Parameter full: tenths of a second of a slot.
    func forEachSlotRow(
        _ table: HistoryTable, in ids: Range<Int>, full: Int, _ db: Database,
        _ body: (_ id: Int, _ slots: [Slot?]) throws -> Void
    ) throws {
        let units = table == .minutes ? HistoryLimits.hours : HistoryLimits.utcDays
        try forEachBlock(table, in: ids.clamped(to: Range(Self.rowIDs(units))), db) { id, bytes in
            guard let slots = SlotBlock.unpacked(bytes, full: full), slots.count == (table == .minutes ? 60 : 96) else {
                return false
            }
            try body(id, slots)
            return true
        }
    }

    /// The hour or UTC day of the first row of minutes or quarters from one on.
    func firstRow(of table: HistoryTable, from unit: Int, _ db: Database) throws -> Int? {
        let ids = Self.rowIDs(table == .minutes ? HistoryLimits.hours : HistoryLimits.utcDays)
        return try db.integer(
            ids, sql: "SELECT min(id) FROM \(table.rawValue) WHERE id BETWEEN ? AND ?",
            arguments: [Self.rowID(max(unit, 0), series: 0), ids.upperBound]
        ).map { $0 >> 16 }
    }

    /// The hour or UTC day of the last row of minutes or quarters.
    func lastRow(of table: HistoryTable, _ db: Database) throws -> Int? {
        let ids = Self.rowIDs(table == .minutes ? HistoryLimits.hours : HistoryLimits.utcDays)
        return try db.integer(
            ids, sql: "SELECT max(id) FROM \(table.rawValue) WHERE id BETWEEN ? AND ?",
            arguments: [ids.lowerBound, ids.upperBound]
        ).map { $0 >> 16 }
    }

    /// Takes away what is too old, and more of it if the file is too big.
    func forget(newest: Int, retention: HistoryRetention, _ db: Database) throws {
        var samples = retention.samples
        var minutes = retention.minutes
        var quarters = retention.quarters
        func drop() throws {
            // The open day and the one before are never given up: the figures come from them.
            // Whole civil days go, so that what is left of a day is all of it.
            let first = zone.start(of: zone.date(at: Double(newest) * 60) - samples)
            try db.execute(sql: "DELETE FROM samples WHERE id < ?", arguments: [Int(first / 60)])
            try db.execute(
                sql: "DELETE FROM minutes WHERE id < ?",
                arguments: [Self.rowID(newest / 60 - minutes * 24, series: 0)])
            try db.execute(
                sql: "DELETE FROM quarters WHERE id < ?",
                arguments: [Self.rowID(newest / 1440 - quarters, series: 0)])
        }
        try drop()
        for _ in 0..<12 where try usedBytes(db) > retention.maximumSize {
            if samples > 2 {
                samples = max(2, samples / 2)
            } else if minutes > 2 {
                minutes = max(2, minutes / 2)
            } else {
                quarters = max(2, quarters / 2)
            }
            try drop()
        }
    }

    func usedBytes(_ db: Database) throws -> Int {
        let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
        let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        return page * (pages - free)
    }
}
