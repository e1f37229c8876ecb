import GRDB
import Synchronization

/// A table of the database.
enum HistoryTable: String, CaseIterable, Sendable {
    case meta, devices, series, boots, samples, minutes, quarters, figures, stale
    case chargerDays = "charger_days"
}

/// Rows that were left out because they hold what vebridge does not write.
public struct DamagedRows: Sendable, Hashable, CustomStringConvertible {
    /// By table.
    public let rows: [String: Int]
    /// In all tables.
    public var count: Int { rows.values.reduce(0, +) }

    /// `3 damaged rows (figures 2, boots 1)`.
    public var description: String {
        let parts = rows.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return "\(count) damaged row\(count == 1 ? "" : "s") (\(parts))"
    }
}

/// Collects damaged rows, each once, however often it is met.
final class DamageLog: Sendable {
    /// Beyond so many rows of a table the others are not counted.
    static let limit = 100_000
    private let keys = Mutex<[HistoryTable: Set<Int>]>([:])

    func add(_ table: HistoryTable, _ key: Int) {
        keys.withLock { keys in
            guard keys[table]?.count ?? 0 < Self.limit else { return }
            keys[table, default: []].insert(key)
        }
    }

    /// - Parameter key: the columns of the table's key.
    func add(_ table: HistoryTable, _ key: [DatabaseValue]) { add(table, key.hashValue) }

    /// A row of a table with a number.
    func add(_ table: HistoryTable, row: Row) {
        if case .int64(let id) = (row[0] as DatabaseValue).storage { add(table, Int(id)) } else { add(table, 0) }
    }

    var rows: DamagedRows {
        let counts = keys.withLock { $0.map { ($0.key.rawValue, $0.value.count) } }
        return DamagedRows(rows: Dictionary(counts, uniquingKeysWith: +))
    }
}

/// Reads values whose types and ranges are not certain. SQLite keeps any value in any column, so the file can hold what
/// vebridge never wrote; GRDB's own subscripts trap then.
extension Row {
    /// A whole number in a range; nil for anything else.
    func integer(_ index: Int, _ range: ClosedRange<Int>) -> Int? {
        guard case .int64(let value) = (self[index] as DatabaseValue).storage else { return nil }
        return range.contains(Int(value)) ? Int(value) : nil
    }

    /// A number in a range; nil for anything else.
    func number(_ index: Int, _ range: ClosedRange<Double> = HistoryLimits.values) -> Double? {
        switch (self[index] as DatabaseValue).storage {
        case .double(let value): range.contains(value) ? value : nil
        case .int64(let value): range.contains(Double(value)) ? Double(value) : nil
        default: nil
        }
    }

    /// A text of a bounded length; nil for anything else.
    func text(_ index: Int, emptyIsGood: Bool = false) -> String? {
        guard case .string(let text) = (self[index] as DatabaseValue).storage,
            text.utf8.count <= HistoryLimits.textLength, emptyIsGood || !text.isEmpty
        else { return nil }
        return text
    }

    /// Whether there is nothing.
    func isNull(_ index: Int) -> Bool { (self[index] as DatabaseValue).isNull }
}

extension Database {
    /// The first whole number that a query gives, within a range; nil for anything else.
    func integer(
        _ range: ClosedRange<Int>, sql: String, arguments: StatementArguments = StatementArguments()
    ) throws -> Int? {
        try Row.fetchOne(try cachedStatement(sql: sql), arguments: arguments)?.integer(0, range)
    }
}

extension HistoryStore {
    /// Rows that were left out so far.
    public var damagedRows: DamagedRows { damage.rows }

    /// Looks for damaged rows, except in packed blocks, which are checked when they are read.
    ///
    /// - Parameter blocks: whether the packed blocks are checked as well, which reads the whole file.
    public func findDamagedRows(blocks: Bool = false) throws(HistoryError) {
        try reading { db in
            for (table, key, condition) in Self.damageConditions {
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT \(key) FROM \(table.rawValue) WHERE \(condition) LIMIT \(DamageLog.limit)")
                while let row = try rows.next() {
                    if row.count == 1, case .int64(let id) = (row[0] as DatabaseValue).storage {
                        damage.add(table, Int(id))
                    } else {
                        damage.add(table, (0..<row.count).map { row[$0] as DatabaseValue })
                    }
                }
            }
            guard blocks else { return }
            try forEachMinute(in: Range(HistoryLimits.minutes), db) { _, bytes in
                MinuteBlock.forEachRun(packed: bytes) { _, _, _, _ in }
            }
            for (table, full) in [(HistoryTable.minutes, 600), (.quarters, 9000)] {
                try forEachSlotRow(table, in: 0..<Int.max, full: full, db) { _, _ in }
            }
        }
    }

    /// What the typed readers refuse, as SQL: a row that satisfies its table's condition is damaged.
    private static var damageConditions: [(table: HistoryTable, key: String, condition: String)] {
        func isText(_ column: String, atLeast: Int = 1) -> String {
            "(typeof(\(column)) = 'text' AND length(CAST(\(column) AS BLOB)) BETWEEN \(atLeast)"
                + " AND \(HistoryLimits.textLength))"
        }
        func isInteger(_ column: String, _ range: ClosedRange<Int>) -> String {
            "(typeof(\(column)) = 'integer' AND \(column) BETWEEN \(range.lowerBound) AND \(range.upperBound))"
        }
        func isNumber(_ column: String, _ range: ClosedRange<Double> = HistoryLimits.values) -> String {
            "(typeof(\(column)) IN ('real', 'integer') AND \(column) BETWEEN \(range.lowerBound)"
                + " AND \(range.upperBound))"
        }
        let metaKeys = ["rolled_hour", "rolled_day", "closed_day", "proven_until", "bus_skew"]
        let meta = metaKeys.map { "(key = '\($0)' AND NOT \(isInteger("value", HistoryLimits.meta($0))))" }
        let record = ["yield", "maximum_power", "maximum_voltage", "minimum_voltage", "bulk", "absorption", "float"]
            .map { isNumber($0, HistoryLimits.recordValues) }
        return [
            (.meta, "key", meta.joined(separator: " OR ") + " OR (key = 'zone' AND NOT \(isText("value")))"),
            (.devices, "id", "NOT (\(isInteger("id", HistoryLimits.deviceIDs)) AND \(isText("name")))"),
            (
                .series, "id",
                "NOT (\(isInteger("id", HistoryLimits.series)) AND \(isText("device")) AND \(isText("quantity"))"
                    + " AND \(isText("unit", atLeast: 0)) AND \(isInteger("decimals", 0...3)))"
            ),
            (
                .boots, "id",
                "NOT (\(isInteger("id", HistoryLimits.boots)) AND \(isText("boot"))"
                    + " AND (clock_offset IS NULL OR \(isNumber("clock_offset", HistoryLimits.clockOffset)))"
                    + " AND \(isInteger("proven", 0...1))"
                    + " AND (first_minute IS NULL OR \(isInteger("first_minute", HistoryLimits.minutes))))"
            ),
            (.samples, "id", "NOT \(isInteger("id", HistoryLimits.minutes))"),
            (.minutes, "id", "NOT \(isInteger("id", rowIDs(HistoryLimits.hours)))"),
            (.quarters, "id", "NOT \(isInteger("id", rowIDs(HistoryLimits.utcDays)))"),
            (
                .figures, "day, device, figure",
                "NOT (\(isInteger("day", HistoryLimits.days)) AND \(isInteger("device", HistoryLimits.deviceIDs))"
                    + " AND \(isText("figure")) AND \(isNumber("value")))"
            ),
            (
                .chargerDays, "device, day",
                "NOT (\(isText("device")) AND \(isInteger("day", HistoryLimits.days))"
                    + " AND \(isInteger("sequence", HistoryLimits.sequence)) AND \(record.joined(separator: " AND "))"
                    + " AND \(isInteger("uncertain", 0...1)))"
            ),
            (
                .stale, "kind, number",
                "NOT (\(isInteger("kind", 0...2)) AND \(isInteger("number", HistoryLimits.stale)))"
            ),
        ]
    }
}
