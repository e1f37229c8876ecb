import GRDB

/// What is known of the runs of the machine.
extension HistoryStore {
    func boot(_ name: String, _ db: Database) throws -> (offset: Double?, isProven: Bool, firstMinute: Int?)? {
        let row = try Row.fetchOne(
            db, sql: "SELECT id, clock_offset, proven, first_minute FROM boots WHERE boot = ?", arguments: [name])
        guard let row else { return nil }
        let offset = row.number(1, HistoryLimits.clockOffset)
        let firstMinute = row.integer(3, HistoryLimits.minutes)
        guard row.integer(0, HistoryLimits.boots) != nil, let proven = row.integer(2, 0...1),
            offset != nil || row.isNull(1), firstMinute != nil || row.isNull(3)
        else {
            damage.add(.boots, row: row)
            return nil
        }
        return (offset, proven == 1, firstMinute)
    }

    /// Only the latest runs matter.
    func setBoot(_ name: String, clock: SessionClock, firstMinute: Int?, _ db: Database) throws {
        let old = try boot(name, db)
        // The offset creeps with every look; a row that says nearly the same is left alone.
        if let old, let offset = old.offset, let now = clock.offset, abs(offset - now) < 1,
            old.isProven == clock.isProven,
            old.firstMinute == firstMinute
        {
            return
        }
        let range = HistoryLimits.boots
        let last = try db.integer(
            range, sql: "SELECT max(id) FROM boots WHERE id BETWEEN ? AND ?",
            arguments: [range.lowerBound, range.upperBound - 1])
        try db.execute(sql: "DELETE FROM boots WHERE boot = ?", arguments: [name])
        try db.execute(
            sql: "INSERT OR REPLACE INTO boots (id, boot, clock_offset, proven, first_minute) VALUES (?, ?, ?, ?, ?)",
            arguments: [(last ?? 0) + 1, name, clock.offset, clock.isProven, firstMinute])
        try db.execute(
            sql: "DELETE FROM boots WHERE id NOT BETWEEN ? AND ?",
            arguments: [(last ?? 0) + 1 - 100, range.upperBound])
    }

    /// How far the bus's clock is behind a good one. It is read in whole seconds: what differs by a few is the same.
    func setBusSkew(_ seconds: Int, _ db: Database) throws {
        if let known = try meta("bus_skew", db), abs(known - seconds) <= 10 { return }
        try setMeta("bus_skew", seconds, db)
    }

    /// The newest minute with samples.
    func newestMinute(_ db: Database) throws -> Int? {
        let range = HistoryLimits.minutes
        return try db.integer(
            range, sql: "SELECT max(id) FROM samples WHERE id BETWEEN ? AND ?",
            arguments: [range.lowerBound, range.upperBound])
    }

    /// The oldest minute with samples, from a minute on.
    func oldestMinute(from minute: Int = HistoryLimits.minutes.lowerBound, _ db: Database) throws -> Int? {
        let range = HistoryLimits.minutes
        return try db.integer(
            range, sql: "SELECT min(id) FROM samples WHERE id BETWEEN ? AND ?",
            arguments: [max(minute, range.lowerBound), range.upperBound])
    }
}
