import Foundation
import GRDB
import Glibc

/// The database of what was: one SQLite file in the daemon's state directory.
///
/// | table | a row is | kept |
/// |---|---|---|
/// | samples | all samples of a minute | days |
/// | minutes | the 60 minutes of an hour of a series | months |
/// | quarters | the 96 quarters of an hour of a UTC day of a series | years |
/// | figures | a figure of a device for a civil day | for ever |
/// | charger_days | a charger's own record of a day | for ever |
///
/// Every tier follows from the one before it; nothing is counted in memory that a crash could take away or count twice.
public final class HistoryStore: Sendable {
    /// The file's name in the state directory.
    public static let fileName = "history.sqlite"
    /// Seconds that a value holds without another.
    public static let longestHold = 300.0

    /// Where the file is.
    public let path: String
    /// The place whose days are meant.
    public let zone: TimeZoneRules
    /// Why ``zone`` is not the one by which the days of the file were made; nil if it is.
    public let zoneProblem: String?
    let database: DatabaseQueue
    let damage = DamageLog()

    private init(path: String, zone: TimeZoneRules, zoneProblem: String? = nil, database: DatabaseQueue) {
        self.path = path
        self.zone = zone
        self.zoneProblem = zoneProblem
        self.database = database
    }

    /// Opens or makes the database to write it, and checks it.
    ///
    /// - Throws: ``HistoryError/damaged(path:reason:)`` for a file that must be set aside,
    ///   ``HistoryError/unwritable(path:reason:)`` where nothing can be written,
    ///   ``HistoryError/newer(path:)`` for a file that this version must not touch,
    ///   ``HistoryError/notAFile(path:kind:)`` for a path at which there is something else.
    public static func open(at path: String, zone: TimeZoneRules) throws(HistoryError) -> HistoryStore {
        if try !HistoryFile.check(path) { HistoryFile.make(path) }
        do {
            let store = HistoryStore(path: path, zone: zone, database: try queue(path, readOnly: false))
            try store.check()
            // Not before: what is damaged is left as it is.
            try store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
            try migrations.migrate(store.database)
            try store.database.write { try $0.execute(sql: "INSERT OR IGNORE INTO meta VALUES ('made_by', 1)") }
            return store
        } catch let error as HistoryError {
            throw error
        } catch {
            throw HistoryError(error, path: path)
        }
    }

    /// Opens the database to read it, while the daemon may be writing it.
    ///
    /// - Parameter zone: the place whose days are meant; nil: the one by which its days were made.
    public static func read(at path: String, zone: TimeZoneRules? = nil) throws(HistoryError) -> HistoryStore {
        guard try HistoryFile.check(path) else { throw .missing(path) }
        do {
            let database = try queue(path, readOnly: true)
            let (rules, problem) = try zone.map { ($0, nil) } ?? database.read { try zoneOfDays($0) }
            let store = HistoryStore(path: path, zone: rules, zoneProblem: problem, database: database)
            try store.refuseNewer()
            guard try database.read({ try HistoryFile.checkTables($0, path: path) }) else {
                throw HistoryError.empty(path: path, isDiskFull: HistoryFile.isDiskFull(path))
            }
            return store
        } catch let error as HistoryError {
            throw error
        } catch {
            throw HistoryError(error, path: path)
        }
    }

    /// The place by whose midnights the days of a history were made; nil where nothing says so, for there it is the
    /// machine's own.
    public static func keptZone(at path: String) -> TimeZoneRules? {
        guard (try? HistoryFile.check(path)) == true, let database = try? queue(path, readOnly: true) else {
            return nil
        }
        defer { try? database.close() }
        return try? database.read { try keptZoneName($0).flatMap { TimeZoneRules(named: $0) } }
    }

    private static func keptZoneName(_ db: Database) throws -> String? {
        guard try db.tableExists("meta") else { return nil }
        return try Row.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'zone'")?.text(0)
    }

    private static func zoneOfDays(_ db: Database) throws -> (TimeZoneRules, String?) {
        guard let name = try keptZoneName(db) else {
            let local = LocalZone()
            return (local.rules, local.problem)
        }
        if let zone = TimeZoneRules(named: name) { return (zone, nil) }
        return (
            LocalZone().rules,
            "the days were made by \(name.debugDescription), which is not a readable time zone here: "
                + "this machine's is used"
        )
    }

    /// Notes by whose midnights the days are made.
    ///
    /// - Returns: the zone that was noted before, if it was another.
    public func noteZone() throws(HistoryError) -> String? {
        try writing { db in
            let old = try Self.keptZoneName(db)
            // The machine's own has no name: whoever reads here finds it by himself.
            let new = TimeZoneRules(named: zone.name) == nil ? nil : zone.name
            guard old != new else { return nil }
            if let new {
                try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES ('zone', ?)", arguments: [new])
            } else {
                try db.execute(sql: "DELETE FROM meta WHERE key = 'zone'")
            }
            return old
        }
    }

    /// Whether no room is left on the disk for a database at `path`.
    public static func isDiskFull(at path: String) -> Bool { HistoryFile.isDiskFull(path) }

    /// Moves a damaged database out of the way.
    ///
    /// - Parameter stamp: what to add to the name, such as the time.
    /// - Returns: its new name; nil if it cannot be moved.
    public static func setAside(_ path: String, stamp: String) -> String? {
        var target = "\(path).damaged-\(stamp)"
        var number = 1
        while access(target, F_OK) == 0, number < 1000 {
            number += 1
            target = "\(path).damaged-\(stamp)-\(number)"
        }
        guard rename(path, target) == 0 else { return nil }
        for suffix in ["-wal", "-shm"] where access(path + suffix, F_OK) == 0 { rename(path + suffix, target + suffix) }
        return target
    }

    private static func queue(_ path: String, readOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.label = "history"
        configuration.busyMode = .timeout(5)
        // A higher class is for what a person waits for, and on Linux the threads of one ask for a priority that a service
        // may not have, and complain.
        configuration.qos = .default
        configuration.prepareDatabase { db in
            // As SQLite advises for files that may be damaged or made by others.
            try db.execute(sql: "PRAGMA trusted_schema = OFF")
            try db.execute(sql: "PRAGMA cell_size_check = ON")
            guard !readOnly else { return }
            // One fsync a minute is little, and a power cut then takes no more than a kill does.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 500")
            try db.execute(sql: "PRAGMA journal_size_limit = 4194304")
            try db.execute(sql: "PRAGMA cache_size = -4000")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private func check() throws {
        try database.read { db in
            if let answer = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), answer != "ok" {
                throw HistoryError.damaged(path: path, reason: answer)
            }
        }
        try refuseNewer()
        _ = try database.read { try HistoryFile.checkTables($0, path: path) }
    }

    private func refuseNewer() throws {
        let isNewer = try database.read { try Self.migrations.hasBeenSuperseded($0) }
        if isNewer { throw HistoryError.newer(path: path) }
    }

    private static var migrations: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
                    CREATE TABLE devices (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
                    CREATE TABLE series (
                        id INTEGER PRIMARY KEY, device TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL,
                        decimals INTEGER NOT NULL, UNIQUE (device, quantity, unit));
                    CREATE TABLE boots (
                        id INTEGER PRIMARY KEY, boot TEXT NOT NULL UNIQUE, clock_offset REAL, proven INTEGER NOT NULL,
                        first_minute INTEGER);
                    CREATE TABLE samples (id INTEGER PRIMARY KEY, block BLOB NOT NULL);
                    CREATE TABLE minutes (id INTEGER PRIMARY KEY, block BLOB NOT NULL);
                    CREATE TABLE quarters (id INTEGER PRIMARY KEY, block BLOB NOT NULL);
                    CREATE TABLE figures (
                        day INTEGER NOT NULL, device INTEGER NOT NULL, figure TEXT NOT NULL, value REAL NOT NULL,
                        PRIMARY KEY (day, device, figure)) WITHOUT ROWID;
                    CREATE TABLE charger_days (
                        device TEXT NOT NULL, day INTEGER NOT NULL, sequence INTEGER NOT NULL, yield REAL NOT NULL,
                        maximum_power REAL NOT NULL, maximum_voltage REAL NOT NULL, minimum_voltage REAL NOT NULL,
                        bulk REAL NOT NULL, absorption REAL NOT NULL, float REAL NOT NULL, uncertain INTEGER NOT NULL,
                        PRIMARY KEY (device, day)) WITHOUT ROWID;
                    CREATE TABLE stale (kind INTEGER, number INTEGER, PRIMARY KEY (kind, number)) WITHOUT ROWID;
                    """)
        }
        return migrator
    }

    /// What the file holds.
    public func size() throws(HistoryError) -> HistorySize {
        try reading { db in
            let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
            var rows: [String: Int] = [:]
            for table in ["samples", "minutes", "quarters", "figures", "charger_days", "series"] {
                rows[table] = try db.integer(0...Int.max, sql: "SELECT count(*) FROM \(table)")
            }
            return HistorySize(file: page * pages, free: page * free, rows: rows)
        }
    }

    /// Bytes of the file, free pages included.
    public func fileSize() throws(HistoryError) -> Int {
        try reading { db in
            (try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0) * (try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0)
        }
    }

    /// The newest minute with samples, in minutes since 1970; nil without any.
    public func newest() throws(HistoryError) -> Int? { try reading { try newestMinute($0) } }

    /// Ends all use of the file.
    public func close() { try? database.close() }

    // MARK: Transactions

    func reading<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
        do { return try database.read(body) } catch let error as HistoryError { throw error } catch {
            throw HistoryError(error, path: path)
        }
    }

    func writing<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
        do { return try database.write(body) } catch let error as HistoryError { throw error } catch {
            throw HistoryError(error, path: path)
        }
    }

    /// How far a transaction is on the disk when it ends: `FULL` or `NORMAL`.
    func setSynchronous(_ mode: String) throws(HistoryError) {
        do {
            try database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = \(mode)")
                // What was written with less is on the disk from here on, unless somebody reads just now.
                if mode == "FULL" { try db.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
            }
        } catch {
            throw HistoryError(error, path: path)
        }
    }

    // MARK: Small facts

    func meta(_ key: String, _ db: Database) throws -> Int? {
        let statement = try db.cachedStatement(sql: "SELECT value FROM meta WHERE key = ?")
        guard let row = try Row.fetchOne(statement, arguments: [key]) else { return nil }
        guard let value = row.integer(0, HistoryLimits.meta(key)) else {
            damage.add(.meta, [key.databaseValue])
            return nil
        }
        return value
    }

    func setMeta(_ key: String, _ value: Int, _ db: Database) throws {
        try db.execute(sql: "INSERT OR REPLACE INTO meta VALUES (?, ?)", arguments: [key, value])
    }

    func allSeries(_ db: Database) throws -> [Series] {
        var all: [Series] = []
        let rows = try Row.fetchCursor(db, sql: "SELECT id, device, quantity, unit, decimals FROM series ORDER BY id")
        while let row = try rows.next() {
            guard let id = row.integer(0, HistoryLimits.series), let device = row.text(1), let quantity = row.text(2),
                let unit = row.text(3, emptyIsGood: true), let decimals = row.integer(4, 0...3)
            else {
                damage.add(.series, row: row)
                continue
            }
            all.append(
                Series(id: id, device: device, quantity: Quantity(rawValue: quantity), unit: unit, decimals: decimals))
        }
        return all
    }

    /// The number of a device, new if need be; nil if there are too many.
    func deviceID(_ name: String, _ db: Database) throws -> Int? {
        guard !name.isEmpty, name.utf8.count <= HistoryLimits.textLength else { return nil }
        if let found = try knownDeviceID(name, db) { return found }
        guard try db.integer(0...Int.max, sql: "SELECT count(*) FROM devices") ?? 0 < HistoryLimits.devices else {
            return nil
        }
        // Numbers are given here: SQLite goes on from the greatest one, which may be damaged.
        try db.execute(sql: "DELETE FROM devices WHERE name = ?", arguments: [name])
        guard let id = try freeID(of: .devices, HistoryLimits.deviceIDs, db) else { return nil }
        try db.execute(sql: "INSERT INTO devices (id, name) VALUES (?, ?)", arguments: [id, name])
        return id
    }

    func knownDeviceID(_ name: String, _ db: Database) throws -> Int? {
        try db.integer(
            HistoryLimits.deviceIDs, sql: "SELECT id FROM devices WHERE name = ?", arguments: [name])
    }

    private func freeID(of table: HistoryTable, _ range: ClosedRange<Int>, _ db: Database) throws -> Int? {
        let last = try db.integer(
            range, sql: "SELECT max(id) FROM \(table.rawValue) WHERE id BETWEEN ? AND ?",
            arguments: [range.lowerBound, range.upperBound])
        let next = last.map { $0 + 1 } ?? range.lowerBound
        return range.contains(next) ? next : nil
    }

    /// The series of a quantity, new if need be; nil if there are too many.
    func series(device: String, quantity: Quantity, unit: String, _ db: Database) throws -> Series? {
        guard !device.isEmpty, !quantity.rawValue.isEmpty,
            [device, quantity.rawValue, unit].allSatisfy({ $0.utf8.count <= HistoryLimits.textLength })
        else { return nil }
        let decimals = quantity.isCode ? 0 : Series.decimals(ofUnit: unit)
        let found = try Row.fetchOne(
            db, sql: "SELECT id, decimals FROM series WHERE device = ? AND quantity = ? AND unit = ?",
            arguments: [device, quantity.rawValue, unit])
        if let id = found?.integer(0, HistoryLimits.series) {
            if let kept = found?.integer(1, 0...3) {
                return Series(id: id, device: device, quantity: quantity, unit: unit, decimals: kept)
            }
            // Damaged, and known all the same: they follow from the unit.
            try db.execute(sql: "UPDATE series SET decimals = ? WHERE id = ?", arguments: [decimals, id])
            return Series(id: id, device: device, quantity: quantity, unit: unit, decimals: decimals)
        }
        if found != nil {
            try db.execute(
                sql: "DELETE FROM series WHERE device = ? AND quantity = ? AND unit = ?",
                arguments: [device, quantity.rawValue, unit])
        }
        guard let id = try freeID(of: .series, HistoryLimits.series, db) else { return nil }
        try db.execute(
            sql: "INSERT INTO series (id, device, quantity, unit, decimals) VALUES (?, ?, ?, ?, ?)",
            arguments: [id, device, quantity.rawValue, unit, decimals])
        return Series(id: id, device: device, quantity: quantity, unit: unit, decimals: decimals)
    }
}

extension HistoryError {
    init(_ error: any Error, path: String) {
        if let error = error as? HistoryError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            // A value of another kind, in the table of GRDB's own.
            self =
                error is RowDecodingError
                ? .damaged(path: path, reason: "holds a value of another kind")
                : .unreadable(path: path, reason: "\(error)")
            return
        }
        let reason = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: self = .damaged(path: path, reason: reason)
        case .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_PROTOCOL, .SQLITE_NOLFS:
            self = .unreadable(path: path, reason: reason)
        case .SQLITE_FULL, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_BUSY,
            .SQLITE_LOCKED, .SQLITE_AUTH:
            self = .unwritable(path: path, reason: reason)
        // A table that is not there, a column of another kind: not a file of ours, or not a whole one.
        default: self = .damaged(path: path, reason: reason)
        }
    }
}
