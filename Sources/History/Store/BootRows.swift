import GRDB

/// What is known of the runs of the machine.
extension HistoryStore {
    func boot(_ name: String, _ db: Database) throws -> (offset: Double?, isProven: Bool, firstMinute: Int?)? {
        let row = try Row.fetchOne(
            db, sql: "SELECT clock_offset, proven, first_minute FROM boots WHERE boot = ?", arguments: [name])
        return row.map { ($0[0], $0[1], $0[2]) }
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
        try db.execute(
            sql: """
                INSERT INTO boots (boot, clock_offset, proven, first_minute) VALUES (?, ?, ?, ?)
                ON CONFLICT (boot) DO UPDATE SET clock_offset = excluded.clock_offset, proven = excluded.proven,
                first_minute = excluded.first_minute
                """, arguments: [name, clock.offset, clock.isProven, firstMinute])
        try db.execute(sql: "DELETE FROM boots WHERE id <= (SELECT max(id) FROM boots) - 100")
    }

    /// How far the bus's clock is behind a good one. It is read in whole seconds: what differs by a few is the same.
    func setBusSkew(_ seconds: Int, _ db: Database) throws {
        if let known = try meta("bus_skew", db), abs(known - seconds) <= 10 { return }
        try setMeta("bus_skew", seconds, db)
    }

    /// The newest minute with samples.
    func newestMinute(_ db: Database) throws -> Int? { try Int.fetchOne(db, sql: "SELECT max(id) FROM samples") }
}
