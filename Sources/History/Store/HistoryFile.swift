import GRDB
import Glibc

/// The database's file, before SQLite opens it.
enum HistoryFile {
    /// SQLite's own files beside it.
    static let companions = ["-wal", "-shm", "-journal"]

    /// Refuses what is not a regular file: a FIFO would never answer, a device never end.
    ///
    /// - Returns: whether there is a file.
    static func check(_ path: String) throws(HistoryError) -> Bool {
        for suffix in companions { _ = try isFile(path + suffix) }
        return try isFile(path)
    }

    private static func isFile(_ path: String) throws(HistoryError) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return false }
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFREG: return true
        case S_IFDIR: kind = "a directory"
        case S_IFIFO: kind = "a FIFO"
        case S_IFSOCK: kind = "a socket"
        case S_IFCHR, S_IFBLK: kind = "a device"
        default: kind = "something else"
        }
        throw .notAFile(path: path, kind: kind)
    }

    /// Makes an empty file that only its owner can read, as SQLite would make one that everybody can.
    static func make(_ path: String) {
        // Where it cannot be made SQLite says why.
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if file >= 0 { close(file) }
    }

    /// Whether no room is left where `path` is.
    static func isDiskFull(_ path: String) -> Bool {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var room = statvfs()
        guard statvfs(directory, &room) == 0 else { return false }
        return room.f_blocks > 0 && UInt64(room.f_bavail) * UInt64(room.f_frsize) < 4096
    }

    /// The columns of every table, in their order.
    private static let columns: [HistoryTable: [String]] = [
        .meta: ["key", "value"], .devices: ["id", "name"],
        .series: ["id", "device", "quantity", "unit", "decimals"],
        .boots: ["id", "boot", "clock_offset", "proven", "first_minute"], .samples: ["id", "block"],
        .minutes: ["id", "block"], .quarters: ["id", "block"], .figures: ["day", "device", "figure", "value"],
        .chargerDays: [
            "device", "day", "sequence", "yield", "maximum_power", "maximum_voltage", "minimum_voltage", "bulk",
            "absorption", "float", "uncertain",
        ], .stale: ["kind", "number"],
    ]

    /// Compares the tables with those that this version knows.
    ///
    /// - Returns: false for a database without any table.
    /// - Throws: ``HistoryError/damaged(path:reason:)`` where a table is missing or is not what it should be.
    static func checkTables(_ db: Database, path: String) throws -> Bool {
        var kinds: [String: String] = [:]
        let rows = try Row.fetchCursor(db, sql: "SELECT name, type FROM sqlite_master")
        while let row = try rows.next() {
            guard let name = row.text(0), let kind = row.text(1) else { continue }
            // Triggers would run what somebody else wrote.
            guard kind != "trigger" else { throw HistoryError.damaged(path: path, reason: "has a trigger, \(name)") }
            kinds[name] = kind
        }
        guard !kinds.isEmpty else { return false }
        guard HistoryTable.allCases.contains(where: { kinds[$0.rawValue] != nil }) else {
            throw HistoryError.damaged(path: path, reason: "not a history of vebridge but another database")
        }
        for table in HistoryTable.allCases {
            guard kinds[table.rawValue] == "table" else {
                throw HistoryError.damaged(path: path, reason: "no such table: \(table.rawValue)")
            }
            let found = try Row.fetchAll(
                db, sql: "SELECT name FROM pragma_table_info(?)", arguments: [table.rawValue]
            ).map { $0.text(0) }
            guard found == columns[table] ?? [] else {
                throw HistoryError.damaged(path: path, reason: "table \(table.rawValue) has other columns")
            }
        }
        return true
    }
}
